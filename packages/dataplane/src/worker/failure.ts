/**
 * What a failed stage of a handshake means: which answer it would end in, and whether another endpoint is tried.
 *
 * Invariant: at most `ATTEMPTS_MAX` different endpoints a connection, all inside one connect budget; a local fault
 * (no descriptor, no port) never leads to another attempt, since it would fail there too. Pure.
 */
import { getSystemErrorName } from 'node:util';
import { FailedCode, FailedStage } from '../engine/binding.js';
import type { FailedEvent } from '../engine/events.js';
import { REFUSALS, type Refusal, type RefusalCode, refuse } from '../policy/refusal.js';
import type { Attempt } from './connection-record.js';

export const ATTEMPTS_MAX = 3;

/** The code of the answer that this failure ends in when nothing else is tried. */
export function failureCode(stage: FailedStage, code: FailedCode): RefusalCode {
  if (stage === FailedStage.requestHead) return code === FailedCode.tooLarge ? 'header-too-large' : 'request-timeout';
  if (code === FailedCode.local) return 'local-exhausted';
  if (code === FailedCode.tls) return 'connect-tls';
  if (stage === FailedStage.connect) return code === FailedCode.timeout ? 'connect-timeout' : 'connect-failed';
  if (code === FailedCode.timeout) return 'answer-timeout';
  if (code === FailedCode.tooLarge) return 'upstream-head-too-large';
  return code === FailedCode.truncated ? 'upstream-truncated' : 'upstream-reset';
}

/** For the log: what OpenSSL or the kernel says of a failure; '' where its code says all. */
export function failureReason({ errno, why }: Pick<FailedEvent, 'errno' | 'why'>): string {
  return why === '' && errno > 0 ? getSystemErrorName(-errno) : why;
}

/** The engine's clock may be this much before ours, ms. */
const CLOCKS_APART_MS = 2;

/**
 * The refusal that a failure ends in: when the rule's bound of the whole request is over, it is that bound's; and where
 * the limit was the rule's own, the log says so.
 */
export function limitRefusal(
  code: RefusalCode,
  { rule, requestDeadlineMs }: Pick<Attempt, 'rule' | 'requestDeadlineMs'>,
): Refusal {
  if (code !== 'answer-timeout' && code !== 'connect-timeout') return refuse(code);
  const name = `rule ${rule.index} of ${rule.route}`;
  const { limits } = rule;
  if (performance.now() >= requestDeadlineMs - CLOCKS_APART_MS) {
    return refuse('route-timeout', undefined, `${name} allows ${limits.requestMs} ms for the whole request`);
  }
  const [limitMs, what] =
    code === 'answer-timeout' ? [limits.backendRequestMs, 'an answer'] : [limits.connectMs, 'connecting'];
  const own = limitMs === null || limitMs === 0 ? '' : `${name} allows ${limitMs} ms for ${what}`;
  return refuse(code, undefined, own);
}

/** Whether another endpoint may be tried after `code`: `tried` endpoints have been, `leftMs` of the budget remain. */
export function mayTryAgain(code: RefusalCode, tried: number, leftMs: number): boolean {
  return REFUSALS[code].retry && tried < ATTEMPTS_MAX && leftMs >= 1;
}

/**
 * The part of the budget that one attempt may take, ms: an endpoint that swallows every SYN leaves time for the others
 * that will be tried. `endpoints`: of the service, in all; `tried`: before this attempt.
 */
export function attemptTimeoutMs(leftMs: number, endpoints: number, tried: number): number {
  const attemptsLeft = Math.max(1, Math.min(ATTEMPTS_MAX, endpoints) - tried);
  return Math.max(1, Math.floor(leftMs / attemptsLeft));
}
