/**
 * The answers that clients get: the backend's 101 or another one, passed on, and the gateway's own; with the access-log
 * fields and the counts that go with each.
 *
 * Counted is what the engine took: an id that was stale got no answer. Worker thread.
 */
import { OTHER_GROUP } from '@sluice/shared/snapshot/groups';
import { NO_OWNER, ownerOf } from '@sluice/shared/snapshot/owners';
import type { RuleSnapshot } from '@sluice/shared/snapshot/snapshot';
import type { ConnectionId } from '../engine/binding.js';
import { type Engine, HEAD_BYTES_MAX } from '../engine/engine.js';
import { setCookieField } from '../policy/affinity.js';
import { type EndpointChoice, Unserved } from '../policy/balancer.js';
import { corsFields } from '../policy/cors.js';
import { type AnswerChanges, relayHead, switchHead, UNCHANGED } from '../policy/forward.js';
import type { ResponseHead } from '../policy/head.js';
import { changesOf } from '../policy/header-changes.js';
import { idleMs, lifetimeMs } from '../policy/limits.js';
import { type OwnAnswer, ownAnswerBytes } from '../policy/own-answer.js';
import { httpDate, isRefusal, type Refusal, refusalBytes, refuse, retryAfterS } from '../policy/refusal.js';
import { checkSwitch } from '../policy/websocket.js';
import {
  type Attempt,
  connectionFields,
  listenerOf,
  type Outcome,
  type Pending,
  type PlainAttempt,
  passedOn,
} from './connection-record.js';
import type { HandshakeContext } from './handshake-context.js';

/** Of an answer with what the route adds; what a backend sends has a lower bound of its own. */
const TOO_LARGE = refuse('upstream-head-too-large', 'with what the route adds');

/** Whose the connection, or the request, is when its route or listener is removed. */
export function ownerFor(pending: Pending, { route }: RuleSnapshot): number {
  const listener = pending.configuration.snapshot.listener(listenerOf(pending));
  return listener === undefined ? NO_OWNER : ownerOf(listener, route);
}

export class Answers {
  readonly #context: HandshakeContext;

  constructor(context: HandshakeContext) {
    this.#context = context;
  }

  /**
   * Passes the 101 on and splices; false: the id was stale, `ended` follows. A refusal, and nothing is done, when it
   * answers another handshake.
   */
  switch(
    engine: Engine,
    id: ConnectionId,
    pending: Pending,
    attempt: Attempt,
    response: ResponseHead,
  ): Refusal | boolean {
    const refusal = checkSwitch(response, attempt.handshake);
    if (refusal !== undefined) return refusal;
    const head = switchHead(response, pending.requestId, this.changes(pending, attempt));
    if (head.length > HEAD_BYTES_MAX) return TOO_LARGE;
    const fields = this.fields(pending, passedOn(101, head.length));
    const { limits: options, meters, random } = this.#context;
    const { limits } = attempt.rule;
    const [idle, lifetime] = [idleMs(limits, options), lifetimeMs(limits, options, random)];
    if (!engine.splice(id, head, fields, idle, lifetime, ownerFor(pending, attempt.rule))) return false;
    if (meters === undefined) return true;
    const group = this.group(pending, attempt.choice.service);
    meters.answered(group, 101);
    meters.upgraded(group, performance.now() - pending.requestedAtMs);
    return true;
  }

  /** Passes any other final answer on, likewise; a refusal when its framing cannot be followed. */
  relay(
    engine: Engine,
    id: ConnectionId,
    pending: Pending,
    attempt: Attempt,
    response: ResponseHead,
  ): Refusal | boolean {
    const changes = this.changes(pending, attempt);
    const relay = relayHead(response, pending.requestId, httpDate(Date.now()), changes);
    if (isRefusal(relay)) return relay;
    const { head, mode, length } = relay;
    if (head.length > HEAD_BYTES_MAX) return TOO_LARGE;
    const { limits, meters } = this.#context;
    const fields = this.fields(pending, passedOn(response.status, head.length));
    const taken = engine.relay(id, head, mode, length, fields, idleMs(attempt.rule.limits, limits));
    if (taken) meters?.answered(this.group(pending, attempt.choice.service), response.status);
    return taken;
  }

  /** Answers by the gateway itself. False: the id was stale, `ended` follows. */
  refuse(engine: Engine, id: ConnectionId, pending: Pending, refusal: Refusal): boolean {
    const { status, code } = refusal;
    const retryS = status === 503 ? retryAfterS(this.#context.random) : 0;
    const bytes = refusalBytes(refusal, pending.requestId, httpDate(Date.now()), pending.request?.method, retryS);
    const responseHeaderBytes = bytes.indexOf('\r\n\r\n') + 4;
    const refusalReason = this.refusalReason(pending, refusal);
    const fields = this.fields(pending, { status, responseHeaderBytes, refusal: code, refusalReason });
    const group = this.refusalGroup(pending, refusal);
    if (!engine.respond(id, bytes, fields, group)) return false;
    this.#context.meters?.answered(group, status);
    return true;
  }

  /** For the log: why, in words; what the client is told of it too, for few keep that. */
  refusalReason(pending: Pending, refusal: Refusal): string {
    if (refusal instanceof Unserved) return this.#whyUnserved(pending, refusal.service);
    const { detail = '', reason } = refusal;
    return detail === '' || reason === '' ? detail + reason : `${detail}: ${reason}`;
  }

  /** Metric group of a refusal. */
  refusalGroup(pending: Pending, refusal: Refusal): number {
    const unserved = refusal instanceof Unserved ? refusal.service : -1;
    return this.group(pending, pending.attempt?.choice.service ?? unserved);
  }

  /** Answers what a rule has the gateway answer. False as for `refuse`. */
  answer(engine: Engine, id: ConnectionId, pending: Pending, answer: OwnAnswer): boolean {
    const { status, code } = answer;
    const bytes = ownAnswerBytes(answer, pending.requestId, httpDate(Date.now()), pending.request?.method);
    if (bytes.length > HEAD_BYTES_MAX) {
      return this.refuse(engine, id, pending, refuse('header-too-large', 'to be answered with what it asks for'));
    }
    const responseHeaderBytes = bytes.indexOf('\r\n\r\n') + 4;
    const fields = this.fields(pending, { status, responseHeaderBytes, refusal: code, refusalReason: '' });
    const group = this.group(pending, -1);
    if (!engine.respond(id, bytes, fields, group)) return false;
    this.#context.meters?.answered(group, status);
    return true;
  }

  /** The access-log fields of a connection; '' when there is no access log. */
  fields(pending: Pending, outcome: Outcome): string {
    return this.#context.accessLog ? connectionFields(pending, outcome) : '';
  }

  /** Metric group of a connection; `service`: -1 while none is known. */
  group(pending: Pending, service: number): number {
    if (this.#context.meters === undefined) return OTHER_GROUP;
    return pending.configuration.snapshot.group(listenerOf(pending), pending.match?.rule ?? -1, service);
  }

  /** What an answer of the backend gets and loses: the filters', of CORS, then the affinity cookie. */
  changes(pending: Pending, { rule, choice }: PlainAttempt): AnswerChanges {
    const cookie = this.#affinityField(pending, rule, choice);
    const ofBackend = rule.backends[choice.backend]?.filters ?? null;
    if (rule.filters === null && ofBackend === null) return cookie === '' ? UNCHANGED : { ...UNCHANGED, added: cookie };
    const cors = rule.filters?.cors ?? null;
    const shared = cors === null || pending.request === undefined ? '' : corsFields(cors, pending.request);
    return { added: shared + cookie, fields: changesOf(rule.filters, ofBackend).response, cors: cors !== null };
  }

  /** The affinity cookie, for a client that has none or another endpoint's. */
  #affinityField(pending: Pending, { affinity }: RuleSnapshot, { cookie }: EndpointChoice): string {
    if (affinity === null || cookie === '') return '';
    const secure = pending.configuration.snapshot.listener(listenerOf(pending))?.protocol === 'HTTPS';
    return setCookieField(affinity, cookie, secure);
  }

  #whyUnserved({ configuration }: Pending, service: number): string {
    const { endpoints } = this.#context;
    const name = configuration.snapshot.serviceName(service);
    const why = endpoints.why(name);
    if (why !== '') return why;
    const { length } = endpoints.of(name);
    return length === 0 ? `${name} has no endpoint` : `none of the ${length} endpoints of ${name} is usable`;
  }
}
