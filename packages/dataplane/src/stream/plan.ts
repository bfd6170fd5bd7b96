/**
 * What is planned for one request: its budgets, and what the endpoint that was chosen gets of it. Pure, but for the clock
 * that is passed in.
 */
import type { Readable } from 'node:stream';
import { forwardedTarget, plainRequestFields } from '../policy/forward.js';
import { connectMs, requestMs } from '../policy/limits.js';
import { isRefusal, type RefusalCode } from '../policy/refusal.js';
import { hasBody } from '../policy/request-body.js';
import type { Pending, PlainAttempt } from '../worker/connection-record.js';
import { forwarding, type PlainTarget } from '../worker/handshake-request.js';
import type { HandshakeLimits } from '../worker/messages.js';
import type { AttemptRequest } from './attempt.js';
import { fieldPairs } from './heads.js';

/** The first attempt. `nowMs`: performance.now. */
export function firstPlan(
  { rule, choice }: PlainTarget,
  pending: Pending,
  limits: HandshakeLimits,
  nowMs: number,
): PlainAttempt {
  const wholeMs = requestMs(rule.limits);
  return {
    rule,
    tried: [choice.endpoint.slot],
    deadlineMs: nowMs + connectMs(rule.limits, limits),
    requestDeadlineMs: wholeMs === 0 ? Number.POSITIVE_INFINITY : pending.requestedAtMs + wholeMs,
    choice,
    hurried: false,
    connected: false,
  };
}

/** Plans another attempt after one that failed by `code`; false: there is no endpoint for it. */
export function planAgain(plan: PlainAttempt, { configuration, match }: Pending, code: RefusalCode): boolean {
  const choice = configuration.balancer.pickAgain(match?.rule ?? -1, plan.choice, plan.tried);
  // A kept-alive connection may have ended while it was idle: the same endpoint is asked once more, on another one.
  const again = isRefusal(choice) && code === 'upstream-reset' && plan.tried.length === 1 ? plan.choice : choice;
  if (isRefusal(again)) return false;
  plan.choice = again;
  plan.connected = false;
  plan.tried.push(again.endpoint.slot);
  return true;
}

/** The request as the endpoint gets it. `source`: where its body comes from. */
export function forwardedRequest(
  target: PlainTarget,
  pending: Pending,
  clientAddress: string,
  source: Readable,
): AttemptRequest {
  const [passed, changes] = forwarding(target, pending, clientAddress);
  const { request } = target;
  return {
    method: request.method,
    path: forwardedTarget(request, changes),
    headers: fieldPairs(plainRequestFields(request, passed, changes)),
    body: hasBody(request) ? source : undefined,
  };
}
