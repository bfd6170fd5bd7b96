/**
 * The handshake, end to end: the engine's events go in, decisions of the policy come out as calls of the engine.
 *
 * Invariant: every event is answered by exactly one decision (connect, interim, splice, relay, respond), or the id was
 * stale and `ended` follows. An exception in one connection's event ends that connection with 500, never the worker.
 * The hot path of the gateway; worker thread.
 */
import { randomUUID } from 'node:crypto';
import { OTHER_GROUP } from '@sluice/shared/snapshot/groups';
import { type ConnectionId, EventKind, FailedCode, FailedStage } from '../engine/binding.js';
import { type Engine, HEAD_BYTES_MAX } from '../engine/engine.js';
import type { EndedEvent, EngineEvent, FailedEvent, RequestEvent, ResponseEvent } from '../engine/events.js';
import { interimHead } from '../policy/forward.js';
import { HEAD_LIMITS, type HeadLimits, parseResponseHead, type ResponseHead } from '../policy/head.js';
import { answerMs, connectMs, requestMs } from '../policy/limits.js';
import { OwnAnswer } from '../policy/own-answer.js';
import { isRefusal, type Refusal, type RefusalCode, refusalBytes, refuse } from '../policy/refusal.js';
import { type Attempt, createPending, NO_OUTCOME, type Pending } from './connection-record.js';
import { attemptTimeoutMs, failureCode, failureReason, limitRefusal, mayTryAgain } from './failure.js';
import { Answers } from './handshake-answers.js';
import { BackendLessons } from './handshake-backend.js';
import { type Configuration, contextOf, type HandshakeContext } from './handshake-context.js';
import { decideRequest, forwardedHead, PLAIN, type Target } from './handshake-request.js';

export class Handshakes {
  readonly #context: HandshakeContext;
  readonly #headLimits: HeadLimits;
  readonly #lessons: BackendLessons;
  readonly #answers: Answers;
  readonly #pending = new Map<ConnectionId, Pending<Attempt>>();
  #configuration: Configuration;

  constructor(context: HandshakeContext, configuration: Configuration) {
    this.#context = context;
    this.#configuration = configuration;
    this.#lessons = new BackendLessons(context);
    this.#answers = new Answers(context);
    this.#headLimits = { ...HEAD_LIMITS, headBytesMax: context.limits.headBytesMax };
  }

  /** Connections in handshake. */
  get size(): number {
    return this.#pending.size;
  }

  /** New requests go by this configuration from now on; those under way end by theirs. */
  update(configuration: Configuration): void {
    this.#configuration = configuration;
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
    const pending = createPending(this.#configuration, event.listener, randomUUID(), event.head.length);
    const carrier = this.#context.stream?.carrierOf(event.id);
    pending.tls = carrier === undefined ? event.tls : carrier.tls;
    pending.http2 = carrier !== undefined;
    if (this.#pending.size >= this.#context.limits.handshakesMax) {
      this.#refuse(engine, event.id, pending, refuse('overloaded'));
      return;
    }
    this.#pending.set(event.id, pending);
    const target = decideRequest(pending, event, this.#headLimits);
    if (target === PLAIN) {
      this.#passPlain(engine, event, pending);
      return;
    }
    const { told } = pending;
    if (told !== undefined && told.address !== '') engine.clientAddress(event.id, told.address, told.port);
    if (target instanceof OwnAnswer) {
      if (this.#answers.answer(engine, event.id, pending, target)) this.#pending.delete(event.id);
      return;
    }
    if (isRefusal(target)) {
      this.#refuse(engine, event.id, pending, target);
      return;
    }
    const nowMs = performance.now();
    const attempt = this.#firstAttempt(pending, target, event.clientAddress, nowMs);
    if (attempt.head.length > HEAD_BYTES_MAX) {
      this.#refuse(engine, event.id, pending, refuse('header-too-large', 'with what the route adds'));
      return;
    }
    pending.attempt = attempt;
    const { requestDeadlineMs } = attempt;
    if (requestDeadlineMs !== Number.POSITIVE_INFINITY) engine.bound(event.id, Math.max(1, requestDeadlineMs - nowMs));
    this.#connect(engine, event.id, pending, attempt, nowMs);
  }

  /** Gives a request that asks for no upgrade, and its connection, to the stream path. */
  #passPlain(engine: Engine, event: RequestEvent, pending: Pending<Attempt>): void {
    const { stream } = this.#context;
    const full = stream?.isFull === true;
    if (stream === undefined || full) {
      this.#refuse(engine, event.id, pending, refuse(full ? 'overloaded' : 'upgrade-required'));
      return;
    }
    const taken = stream.take(event, this.#answers.group(pending, -1));
    if (taken) this.#pending.delete(event.id);
    else this.#refuse(engine, event.id, pending, refuse('local-exhausted'));
  }

  #firstAttempt(pending: Pending, target: Target, clientAddress: string, nowMs: number): Attempt {
    const { handshake, choice, rule } = target;
    const { limits } = rule;
    const wholeMs = requestMs(limits);
    return {
      handshake,
      rule,
      head: forwardedHead(target, pending, clientAddress),
      tried: [choice.endpoint.slot],
      deadlineMs: nowMs + connectMs(limits, this.#context.limits),
      requestDeadlineMs: wholeMs === 0 ? Number.POSITIVE_INFINITY : pending.requestedAtMs + wholeMs,
      choice,
      hurried: false,
      connected: false,
    };
  }

  #connect(engine: Engine, id: ConnectionId, pending: Pending, attempt: Attempt, nowMs: number): void {
    const { choice, head, tried, rule } = attempt;
    const connectLeftMs = Math.min(attempt.deadlineMs, attempt.requestDeadlineMs) - nowMs;
    attempt.hurried = attempt.requestDeadlineMs < attempt.deadlineMs;
    const endpoints = this.#context.endpoints.of(pending.configuration.snapshot.serviceName(choice.service)).length;
    const { address, port, slot } = choice.endpoint;
    engine.connect(id, {
      address,
      port,
      slot,
      head,
      connectTimeoutMs: attemptTimeoutMs(connectLeftMs, endpoints, tried.length - 1),
      answerTimeoutMs: answerMs(rule.limits, this.#context.limits),
      group: this.#answers.group(pending, choice.service),
      tls: contextOf(pending.configuration, choice.service),
    });
  }

  #onResponse(engine: Engine, event: ResponseEvent): void {
    const pending = this.#pending.get(event.id);
    if (pending?.attempt === undefined) {
      this.#abandon(engine, event.id);
      return;
    }
    pending.latencyMs ??= event.answerMs;
    this.#onConnected(pending, pending.attempt, event.connectMs);
    const response = parseResponseHead(event.head, this.#headLimits);
    if (isRefusal(response)) {
      this.#refuse(engine, event.id, pending, response);
      return;
    }
    this.#lessons.answered(pending.attempt.choice, response, pending.configuration.snapshot);
    if (response.status < 200 && response.status !== 101) engine.interim(event.id, interimHead(response));
    else this.#passOn(engine, event.id, pending, pending.attempt, response);
  }

  #onConnected(pending: Pending, attempt: Attempt, connectMs: number): void {
    if (attempt.connected) return;
    attempt.connected = true;
    this.#lessons.connectWorked(attempt.choice);
    this.#context.meters?.connected(this.#answers.group(pending, attempt.choice.service), connectMs);
  }

  /** A final answer: the 101, or any other. */
  #passOn(engine: Engine, id: ConnectionId, pending: Pending, attempt: Attempt, response: ResponseHead): void {
    const result =
      response.status === 101
        ? this.#answers.switch(engine, id, pending, attempt, response)
        : this.#answers.relay(engine, id, pending, attempt, response);
    if (isRefusal(result)) this.#refuse(engine, id, pending, result);
    else if (result) this.#pending.delete(id);
  }

  #refuse(engine: Engine, id: ConnectionId, pending: Pending, refusal: Refusal): void {
    if (this.#answers.refuse(engine, id, pending, refusal)) this.#pending.delete(id);
  }

  #onFailed(engine: Engine, event: FailedEvent): void {
    const code = failureCode(event.stage, event.code);
    const pending = this.#pending.get(event.id);
    if (event.stage === FailedStage.requestHead) {
      this.#refuse(engine, event.id, createPending(this.#configuration, event.listener, randomUUID(), 0), refuse(code));
      return;
    }
    if (pending?.attempt === undefined) {
      this.#abandon(engine, event.id);
      return;
    }
    const { hurried, choice } = pending.attempt;
    const silent = hurried && event.stage === FailedStage.connect && event.code === FailedCode.timeout;
    if (!silent) this.#lessons.failed(event, choice, pending.configuration.snapshot);
    if (!this.#tryAgain(engine, event.id, pending, pending.attempt, code)) {
      const why = failureReason(event);
      const refusal = why === '' ? limitRefusal(code, pending.attempt) : refuse(code, undefined, why);
      this.#refuse(engine, event.id, pending, refusal);
    }
  }

  /** Dials another endpoint when there is one and the budget allows it. */
  #tryAgain(engine: Engine, id: ConnectionId, pending: Pending, attempt: Attempt, code: RefusalCode): boolean {
    const nowMs = performance.now();
    const leftMs = Math.min(attempt.deadlineMs, attempt.requestDeadlineMs) - nowMs;
    if (!mayTryAgain(code, attempt.tried.length, leftMs) || !this.#chooseAgain(pending, attempt)) return false;
    this.#connect(engine, id, pending, attempt, nowMs);
    return true;
  }

  #chooseAgain({ configuration, match }: Pending, attempt: Attempt): boolean {
    const choice = configuration.balancer.pickAgain(match?.rule ?? -1, attempt.choice, attempt.tried);
    if (isRefusal(choice)) return false;
    attempt.choice = choice;
    attempt.connected = false;
    attempt.tried.push(choice.endpoint.slot);
    return true;
  }

  #onEnded(engine: Engine, event: EndedEvent): void {
    this.#context.stream?.ended(event.id, event.reason);
    const pending = this.#pending.get(event.id);
    if (pending === undefined) return;
    this.#pending.delete(event.id);
    if (this.#context.accessLog) engine.logEnded(event.id, this.#answers.fields(pending, NO_OUTCOME));
  }

  /** Ends a connection that TypeScript has lost track of, by an answer that takes nothing that could throw again. */
  #abandon(engine: Engine, id: ConnectionId): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    try {
      const service = pending?.attempt?.choice.service;
      const group =
        pending === undefined || service === undefined ? OTHER_GROUP : this.#answers.group(pending, service);
      const taken = engine.respond(id, refusalBytes(refuse('internal'), '', '', ''), '', group);
      if (taken) this.#context.meters?.answered(group, 500);
    } catch (error) {
      this.#context.onError(error);
    }
  }
}
