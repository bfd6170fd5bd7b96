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
import { addressOf, toldOf } from '../policy/client.js';
import { tlsRefusal } from '../policy/client-tls.js';
import { Field } from '../policy/field-name.js';
import { hasField } from '../policy/fields.js';
import { type ForwardChanges, type ForwardContext, requestHead } from '../policy/forward.js';
import { type HeadLimits, parseRequestHead, type RequestHead } from '../policy/head.js';
import { changesOf } from '../policy/header-changes.js';
import { beginsHttp2 } from '../policy/http2-preface.js';
import type { OwnAnswer } from '../policy/own-answer.js';
import { cleanPath, isSuspect } from '../policy/paths.js';
import { isRefusal, type Refusal, refuse } from '../policy/refusal.js';
import { bodyRefusal } from '../policy/request-body.js';
import { modifiedPath } from '../policy/rewrite.js';
import type { RouteMatch } from '../policy/router.js';
import { originRefusal, ruleAnswer } from '../policy/rule-answer.js';
import { checkHandshake, type Handshake, isH2c } from '../policy/websocket.js';
import type { Pending } from './connection-record.js';

/** What a request was found to be for. */
export interface Routed {
  readonly request: RequestHead;
  readonly match: RouteMatch;
  readonly rule: RuleSnapshot;
  /** The request's, resolved where the listener says so. */
  readonly path: string;
}

/** Where a request goes that asks for no upgrade. */
export interface PlainTarget extends Routed {
  readonly choice: EndpointChoice;
}

/** Where a handshake goes. */
export interface Target extends PlainTarget {
  readonly handshake: Handshake;
}

/** A request for the stream path: nothing has been chosen for it yet. */
export const PLAIN: unique symbol = Symbol('plain');

/** Of a port that the configuration no longer has. */
const NO_LISTENERS: readonly number[] = [];

/** Fills in what of the connection is known even when it is refused: the record needs it. */
export function decideRequest(
  pending: Pending,
  event: RequestEvent,
  limits: HeadLimits,
): Target | typeof PLAIN | OwnAnswer | Refusal {
  const http2 = beginsHttp2(event.head, event.tls, pending.configuration, pending.listenerTag);
  if (http2 !== false) return http2 === true ? PLAIN : http2;
  const request = parseRequestHead(event.head, limits);
  if (isRefusal(request)) return request;
  pending.request = request;
  const handshake = checkHandshake(request);
  const plain = isPlain(request, handshake);
  const fault = plain ? bodyRefusal(request) : isRefusal(handshake) ? handshake : undefined;
  if (plain && fault !== undefined) return fault;
  const routed = route(pending, request, event.clientAddress, fault);
  if (!('match' in routed)) return routed;
  if (plain) return PLAIN;
  if (isRefusal(handshake)) return handshake;
  const { snapshot, balancer } = pending.configuration;
  const refusal = originRefusal(routed.rule, request, snapshot.listener(routed.match.listener));
  if (refusal !== undefined) return refusal;
  const choice = balancer.pick(routed.match.rule, request.fields, addressOf(pending.told, event.clientAddress));
  return isRefusal(choice) ? choice : { ...routed, handshake, choice };
}

/** Likewise for a request on the stream path. `head`: the whole head, latin1. */
export function decidePlain(
  pending: Pending,
  head: string,
  clientAddress: string,
  limits: HeadLimits,
): PlainTarget | OwnAnswer | Refusal {
  const request = parseRequestHead(head, limits);
  if (isRefusal(request)) return request;
  pending.request = request;
  const handshake = checkHandshake(request);
  if (!isPlain(request, handshake)) return isRefusal(handshake) ? handshake : refuse('unsupported-upgrade');
  const fault = bodyRefusal(request);
  if (fault !== undefined) return fault;
  const routed = route(pending, request, clientAddress, undefined);
  if (!('match' in routed)) return routed;
  const client = addressOf(pending.told, clientAddress);
  const choice = pending.configuration.balancer.pick(routed.match.rule, request.fields, client);
  return isRefusal(choice) ? choice : { ...routed, choice };
}

/**
 * It asks for no upgrade at all (of HTTP/1.0 it may, and is told 426 then), or offers to go on in HTTP/2: that offer is
 * passed over, as RFC 9110 7.8 allows, for some clients make it with every first request.
 */
function isPlain({ fields }: RequestHead, handshake: Handshake | Refusal): boolean {
  if (!isRefusal(handshake)) return false;
  if (handshake.code === 'upgrade-required') return !hasField(fields, Field.upgrade);
  return (
    handshake.code === 'unsupported-upgrade' && fields.every(({ id, value }) => id !== Field.upgrade || isH2c(value))
  );
}

/** `fault`: what is wrong with the request as a handshake; said before whether a route takes it. */
function route(
  pending: Pending,
  request: RequestHead,
  peer: string,
  fault: Refusal | undefined,
): Routed | OwnAnswer | Refusal {
  const { ports, router, snapshot } = pending.configuration;
  const listeners = ports[pending.listenerTag]?.listeners ?? NO_LISTENERS;
  const listener = router.listener(listeners, request.host);
  const unwanted = connectionRefusal(pending, listeners, listener);
  if (unwanted !== undefined) return unwanted;
  if (isRefusal(listener)) return fault ?? listener;
  pending.told = toldOf(request.fields, peer, snapshot.listener(listener)?.trustedProxies ?? []);
  const path = isSuspect(request.path) ? cleaned(request.path, snapshot.listener(listener)) : request.path;
  if (isRefusal(path)) return path;
  const match = router.route(listener, request.host, path, request);
  if (isRefusal(match)) return fault ?? match;
  const rule = snapshot.rule(match.rule);
  if (rule === undefined) return refuse('internal');
  const answer =
    rule.filters === null && rule.broken === '' ? undefined : ownAnswer(pending, request, rule, match, path);
  if (fault !== undefined && answer === undefined) return fault;
  pending.match = match;
  return answer ?? { request, match, rule, path };
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
export function forwardedHead(target: Target, pending: Pending, clientAddress: string): string {
  const [context, changes] = forwarding(target, pending, clientAddress);
  return requestHead(target.request, context, changes);
}

/** What a request goes on with, and how it is changed; undefined: not at all. */
export function forwarding(
  { request, match, rule, path, choice }: PlainTarget,
  { configuration, requestId, told }: Pending,
  clientAddress: string,
): [ForwardContext, ForwardChanges | undefined] {
  const own = configuration.snapshot.listener(match.listener)?.protocol === 'HTTPS' ? 'https' : 'http';
  const scheme = told?.scheme || own;
  const context = { clientAddress, scheme, requestId } as const;
  const ofBackend = rule.backends[choice.backend]?.filters ?? null;
  if (rule.filters === null && ofBackend === null && path === request.path) return [context, undefined];
  const changes = changesOf(rule.filters, ofBackend);
  const rewrite = rule.filters?.rewrite ?? null;
  const forwarded = {
    path: rewrite === null ? path : modifiedPath(path, match.prefixLength, rewrite.path),
    host: rewrite === null || rewrite.hostname === '' ? changes.host : rewrite.hostname,
    fields: changes.request,
  };
  return [context, forwarded];
}
