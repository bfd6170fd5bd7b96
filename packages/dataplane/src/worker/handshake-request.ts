/**
 * From a complete request head to what becomes of it: an endpoint and the head that it gets, or an answer of the gateway.
 *
 * Invariant: the path that is routed by is the path that is forwarded, but for what the rule itself rewrites. What a rule
 * answers by itself it answers to plain requests too; anything else that is no handshake is refused as before it was
 * routed, so that a status says what is wrong with the request and not which routes there are. Worker thread.
 */
import type { ListenerInfo, RuleSnapshot } from '@sluice/shared/snapshot/snapshot';
import type { RequestEvent } from '../engine/events.js';
import type { EndpointChoice } from '../policy/balancer.js';
import { tlsRefusal } from '../policy/client-tls.js';
import { requestHead } from '../policy/forward.js';
import { type HeadLimits, parseRequestHead, type RequestHead } from '../policy/head.js';
import { changesOf } from '../policy/header-changes.js';
import type { OwnAnswer } from '../policy/own-answer.js';
import { cleanPath, isSuspect } from '../policy/paths.js';
import { isRefusal, type Refusal, refuse } from '../policy/refusal.js';
import { modifiedPath } from '../policy/rewrite.js';
import type { RouteMatch } from '../policy/router.js';
import { originRefusal, ruleAnswer } from '../policy/rule-answer.js';
import { checkHandshake, type Handshake } from '../policy/websocket.js';
import type { Pending } from './connection-record.js';

/** Where a request goes. */
export interface Target {
  readonly request: RequestHead;
  readonly handshake: Handshake;
  readonly match: RouteMatch;
  readonly rule: RuleSnapshot;
  /** The request's, resolved where the listener says so. */
  readonly path: string;
  readonly choice: EndpointChoice;
}

/** Of a port that the configuration no longer has. */
const NO_LISTENERS: readonly number[] = [];

/** Fills in what of the connection is known even when it is refused: the record needs it. */
export function decideRequest(pending: Pending, event: RequestEvent, limits: HeadLimits): Target | OwnAnswer | Refusal {
  const request = parseRequestHead(event.head, limits);
  if (isRefusal(request)) return request;
  pending.request = request;
  const handshake = checkHandshake(request);
  const { ports, router, snapshot, balancer } = pending.configuration;
  const listeners = ports[pending.listenerTag]?.listeners ?? NO_LISTENERS;
  const listener = router.listener(listeners, request.host);
  const unwanted = connectionRefusal(pending, listeners, listener);
  if (unwanted !== undefined) return unwanted;
  if (isRefusal(listener)) return isRefusal(handshake) ? handshake : listener;
  const path = isSuspect(request.path) ? cleaned(request.path, snapshot.listener(listener)) : request.path;
  if (isRefusal(path)) return path;
  const match = router.route(listener, request.host, path, request);
  if (isRefusal(match)) return isRefusal(handshake) ? handshake : match;
  const rule = snapshot.rule(match.rule);
  if (rule === undefined) return refuse('internal');
  const answer =
    rule.filters === null && rule.broken === '' ? undefined : ownAnswer(pending, request, rule, match, path);
  if (isRefusal(handshake) && answer === undefined) return handshake;
  pending.match = match;
  if (answer !== undefined) return answer;
  if (isRefusal(handshake)) return handshake;
  const refusal = originRefusal(rule, request, snapshot.listener(match.listener));
  if (refusal !== undefined) return refusal;
  const choice = balancer.pick(match.rule, request.fields, event.clientAddress);
  return isRefusal(choice) ? choice : { request, handshake, match, rule, path, choice };
}

/** Whether the connection is for the listener that answers for the Host. */
function connectionRefusal(
  { tls, configuration }: Pending,
  listeners: readonly number[],
  ofHost: number | Refusal,
): Refusal | undefined {
  const { router, snapshot } = configuration;
  if (tls !== null) {
    return tlsRefusal(tls, router.listener(listeners, tls.serverName), ofHost, (index) => snapshot.listener(index));
  }
  if (isRefusal(ofHost) || snapshot.listener(ofHost)?.protocol !== 'HTTPS') return undefined;
  return refuse('misdirected'); // accepted before the port became one of HTTPS
}

function cleaned(path: string, listener: ListenerInfo | undefined): string | Refusal {
  return cleanPath(path, listener?.normalisePaths === true);
}

function ownAnswer(
  { configuration }: Pending,
  request: RequestHead,
  rule: RuleSnapshot,
  { listener: at, prefixLength }: RouteMatch,
  path: string,
): OwnAnswer | Refusal | undefined {
  const listener = configuration.snapshot.listener(at);
  return listener === undefined ? refuse('internal') : ruleAnswer(rule, request, { path, prefixLength }, listener);
}

/** The head that the endpoint gets. */
export function forwardedHead(
  { request, match, rule, path, choice }: Target,
  { configuration, requestId }: Pending,
  clientAddress: string,
): string {
  const scheme = configuration.snapshot.listener(match.listener)?.protocol === 'HTTPS' ? 'https' : 'http';
  const context = { clientAddress, scheme, requestId } as const;
  const ofBackend = rule.backends[choice.backend]?.filters ?? null;
  if (rule.filters === null && ofBackend === null && path === request.path) return requestHead(request, context);
  const changes = changesOf(rule.filters, ofBackend);
  const rewrite = rule.filters?.rewrite ?? null;
  return requestHead(request, context, {
    path: rewrite === null ? path : modifiedPath(path, match.prefixLength, rewrite.path),
    host: rewrite === null || rewrite.hostname === '' ? changes.host : rewrite.hostname,
    fields: changes.request,
  });
}
