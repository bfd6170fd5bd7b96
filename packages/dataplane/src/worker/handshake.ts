/**
 * The handshake, end to end: the engine's events go in, decisions of the policy come out as calls of the engine.
 *
 * Invariant: every event is answered by exactly one decision (connect, interim, splice, relay, respond), or the id was
 * stale and `ended` follows. An exception in one connection's event ends that connection with 500, never the worker.
 * The hot path of the gateway; worker thread.
 */
import { randomUUID } from 'node:crypto';
import type { Snapshot } from '@sluice/shared/snapshot/snapshot';
import { type ConnectionId, EventKind, FailedStage } from '../engine/binding.js';
import type { Engine } from '../engine/engine.js';
import type { EndedEvent, EngineEvent, FailedEvent, RequestEvent, ResponseEvent } from '../engine/events.js';
import type { Balancer, EndpointChoice } from '../policy/balancer.js';
import type { EndpointSets } from '../policy/endpoints.js';
import { interimHead, relayHead, requestHead, switchHead } from '../policy/forward.js';
import {
  HEAD_LIMITS,
  type HeadLimits,
  parseRequestHead,
  parseResponseHead,
  type RequestHead,
  type ResponseHead,
} from '../policy/head.js';
import { httpDate, isRefusal, type Refusal, type RefusalCode, refusalBytes, refuse } from '../policy/refusal.js';
import type { Router } from '../policy/router.js';
import { checkHandshake, checkSwitch, type Handshake } from '../policy/websocket.js';
import {
  type Attempt,
  connectionFields,
  createPending,
  NO_OUTCOME,
  type Outcome,
  type Pending,
} from './connection-record.js';
import { attemptTimeoutMs, failureCode, mayTryAgain } from './failure.js';
import type { BoundPort, HandshakeLimits } from './messages.js';

/** What handshakes are decided by; immutable. */
export interface HandshakeContext {
  readonly snapshot: Snapshot;
  readonly ports: readonly BoundPort[];
  readonly router: Router;
  readonly balancer: Balancer;
  readonly endpoints: EndpointSets;
  readonly limits: HandshakeLimits;
  readonly accessLog: boolean;
  /** Told of an exception while an event was handled. */
  readonly onError: (error: unknown) => void;
}

interface Target {
  readonly request: RequestHead;
  readonly handshake: Handshake;
  readonly choice: EndpointChoice;
}

export class Handshakes {
  readonly #context: HandshakeContext;
  readonly #headLimits: HeadLimits;
  readonly #pending = new Map<ConnectionId, Pending>();

  constructor(context: HandshakeContext) {
    this.#context = context;
    this.#headLimits = { ...HEAD_LIMITS, headBytesMax: context.limits.headBytesMax };
  }

  /** Connections in handshake. */
  get size(): number {
    return this.#pending.size;
  }

  /** Decides about one event. Never throws. */
  handle(engine: Engine, event: EngineEvent): void {
    try {
      this.#dispatch(engine, event);
    } catch (error) {
      this.#context.onError(error);
      this.#abandon(engine, event.id);
    }
  }

  #dispatch(engine: Engine, event: EngineEvent): void {
    if (event.kind === EventKind.request) this.#onRequest(engine, event);
    else if (event.kind === EventKind.response) this.#onResponse(engine, event);
    else if (event.kind === EventKind.failed) this.#onFailed(engine, event);
    else this.#onEnded(engine, event);
  }

  #onRequest(engine: Engine, event: RequestEvent): void {
    const pending = createPending(event.listener, randomUUID(), event.head.length);
    if (this.#pending.size >= this.#context.limits.handshakesMax) {
      this.#refuse(engine, event.id, pending, refuse('overloaded'));
      return;
    }
    this.#pending.set(event.id, pending);
    const target = this.#target(pending, event.head);
    if (isRefusal(target)) {
      this.#refuse(engine, event.id, pending, target);
      return;
    }
    const { request, handshake, choice } = target;
    const { connectTimeoutMs } = this.#context.limits;
    const { clientAddress } = event;
    pending.attempt = {
      handshake,
      head: requestHead(request, { clientAddress, scheme: 'http', requestId: pending.requestId }),
      tried: [choice.endpoint.slot],
      deadlineMs: performance.now() + connectTimeoutMs,
      choice,
    };
    this.#connect(engine, event.id, pending.attempt, connectTimeoutMs);
  }

  /** Where a request goes. Fills in what of it is known even when it is refused: the record needs it. */
  #target(pending: Pending, head: string): Target | Refusal {
    const request = parseRequestHead(head, this.#headLimits);
    if (isRefusal(request)) return request;
    pending.request = request;
    const handshake = checkHandshake(request);
    if (isRefusal(handshake)) return handshake;
    const listeners = this.#context.ports[pending.listenerTag]?.listeners ?? [];
    const match = this.#context.router.route(listeners, request.host, request.path);
    if (isRefusal(match)) return match;
    pending.match = match;
    const choice = this.#context.balancer.pick(match.rule);
    return isRefusal(choice) ? choice : { request, handshake, choice };
  }

  #connect(engine: Engine, id: ConnectionId, attempt: Attempt, leftMs: number): void {
    const { choice, head, tried } = attempt;
    const endpoints = this.#context.endpoints.of(this.#context.snapshot.services[choice.service]?.name ?? '').length;
    const { address, port, slot } = choice.endpoint;
    engine.connect(id, {
      address,
      port,
      slot,
      head,
      connectTimeoutMs: attemptTimeoutMs(leftMs, endpoints, tried.length - 1),
      answerTimeoutMs: this.#context.limits.answerTimeoutMs,
      group: 0,
    });
  }

  #onResponse(engine: Engine, event: ResponseEvent): void {
    const pending = this.#pending.get(event.id);
    if (pending?.attempt === undefined) {
      this.#abandon(engine, event.id);
      return;
    }
    pending.latencyMs ??= event.answerMs;
    const response = parseResponseHead(event.head, this.#headLimits);
    if (isRefusal(response)) this.#refuse(engine, event.id, pending, response);
    else if (response.status === 101) this.#switch(engine, event.id, pending, pending.attempt, response);
    else if (response.status >= 200) this.#relay(engine, event.id, pending, response);
    else engine.interim(event.id, interimHead(response));
  }

  #switch(engine: Engine, id: ConnectionId, pending: Pending, attempt: Attempt, response: ResponseHead): void {
    const refusal = checkSwitch(response, attempt.handshake);
    if (refusal !== undefined) {
      this.#refuse(engine, id, pending, refusal);
      return;
    }
    const head = switchHead(response, pending.requestId);
    const fields = this.#fields(pending, { status: 101, responseHeaderBytes: head.length, refusal: undefined });
    const { streamIdleTimeoutMs, lifetimeMs } = this.#context.limits;
    if (engine.splice(id, head, fields, streamIdleTimeoutMs, lifetimeMs)) this.#pending.delete(id);
  }

  #relay(engine: Engine, id: ConnectionId, pending: Pending, response: ResponseHead): void {
    const relay = relayHead(response, pending.requestId, httpDate(Date.now()));
    if (isRefusal(relay)) {
      this.#refuse(engine, id, pending, relay);
      return;
    }
    const { head, mode, length } = relay;
    const outcome = { status: response.status, responseHeaderBytes: head.length, refusal: undefined };
    const fields = this.#fields(pending, outcome);
    if (engine.relay(id, head, mode, length, fields, this.#context.limits.streamIdleTimeoutMs)) {
      this.#pending.delete(id);
    }
  }

  #onFailed(engine: Engine, event: FailedEvent): void {
    const code = failureCode(event.stage, event.code);
    const pending = this.#pending.get(event.id);
    if (event.stage === FailedStage.requestHead) {
      this.#refuse(engine, event.id, createPending(event.listener, randomUUID(), 0), refuse(code));
    } else if (pending?.attempt === undefined) this.#abandon(engine, event.id);
    else if (!this.#tryAgain(engine, event.id, pending.attempt, code)) {
      this.#refuse(engine, event.id, pending, refuse(code));
    }
  }

  /** Dials another endpoint when there is one and the budget allows it. */
  #tryAgain(engine: Engine, id: ConnectionId, attempt: Attempt, code: RefusalCode): boolean {
    const leftMs = attempt.deadlineMs - performance.now();
    if (!mayTryAgain(code, attempt.tried.length, leftMs) || !this.#chooseAgain(attempt)) return false;
    this.#connect(engine, id, attempt, leftMs);
    return true;
  }

  #chooseAgain(attempt: Attempt): boolean {
    const choice = this.#context.balancer.pickAgain(attempt.choice.service, attempt.tried);
    if (isRefusal(choice)) return false;
    attempt.choice = choice;
    attempt.tried.push(choice.endpoint.slot);
    return true;
  }

  #onEnded(engine: Engine, event: EndedEvent): void {
    const pending = this.#pending.get(event.id);
    if (pending === undefined) return;
    this.#pending.delete(event.id);
    if (this.#context.accessLog) engine.logEnded(event.id, this.#fields(pending, NO_OUTCOME));
  }

  #refuse(engine: Engine, id: ConnectionId, pending: Pending, refusal: Refusal): void {
    const bytes = refusalBytes(refusal, pending.requestId, httpDate(Date.now()), pending.request?.method);
    const responseHeaderBytes = bytes.indexOf('\r\n\r\n') + 4;
    const fields = this.#fields(pending, { status: refusal.status, responseHeaderBytes, refusal: refusal.code });
    if (engine.respond(id, bytes, fields, 0)) this.#pending.delete(id);
  }

  #fields(pending: Pending, outcome: Outcome): string {
    const { accessLog, snapshot, ports } = this.#context;
    return accessLog ? connectionFields(snapshot, ports, pending, outcome) : '';
  }

  /** Ends a connection that TypeScript has lost track of, by an answer that takes nothing that could throw again. */
  #abandon(engine: Engine, id: ConnectionId): void {
    this.#pending.delete(id);
    try {
      engine.respond(id, refusalBytes(refuse('internal'), '', '', ''), '', 0);
    } catch (error) {
      this.#context.onError(error);
    }
  }
}
