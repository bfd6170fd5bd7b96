/**
 * One plain request: decided by the functions that decide handshakes, forwarded, answered, recorded once.
 *
 * Invariant: a request ends in exactly one record, and leaves no timer and no request to an endpoint behind. Another
 * endpoint is tried while nothing of a body was taken: after connects that failed, and after a reset before the answer
 * where doing it twice does no harm (RFC 9110 9.2.2). Worker thread.
 */
import { randomUUID } from 'node:crypto';
import { FailedStage } from '../engine/binding.js';
import { plainAnswerFields } from '../policy/forward.js';
import { parseResponseHead, type ResponseHead } from '../policy/head.js';
import { answerMs, idleMs, requestMs } from '../policy/limits.js';
import { OwnAnswer, type OwnAnswerCode, ownAnswerBytes } from '../policy/own-answer.js';
import {
  httpDate,
  isRefusal,
  type Refusal,
  type RefusalCode,
  refusalBytes,
  refuse,
  retryAfterS,
} from '../policy/refusal.js';
import { createPending, type Pending, type PlainAttempt } from '../worker/connection-record.js';
import { attemptTimeoutMs, failureCode, limitRefusal, mayTryAgain } from '../worker/failure.js';
import { contextOf } from '../worker/handshake-context.js';
import { decidePlain, type PlainTarget } from '../worker/handshake-request.js';
import { Attempt, type AttemptWatch } from './attempt.js';
import type { ClientAnswer, ClientRequest } from './client-request.js';
import { ExchangeLimits } from './exchange-limits.js';
import { ExchangeRecord } from './exchange-record.js';
import { answerParts, fieldPairs, responseText, trailerPairs } from './heads.js';
import { firstPlan, forwardedRequest, planAgain } from './plan.js';
import type { Peer, StreamScene } from './scene.js';
import { answerFault, upstreamFailure } from './upstream-failure.js';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Told once, when the request is over. */
export type ExchangeEnd = () => void;

export class Exchange {
  readonly #scene: StreamScene;
  readonly #peer: Peer;
  readonly #request: ClientRequest;
  readonly #client: ClientAnswer;
  readonly #pending: Pending;
  readonly #onEnd: ExchangeEnd;
  #target: PlainTarget | undefined;
  #attempt: Attempt | undefined;
  readonly #limits = new ExchangeLimits();
  readonly #record = new ExchangeRecord();
  /** Of the endpoint that it is counted on; -1: none. */
  #slot = -1;
  #over = false;

  constructor(scene: StreamScene, peer: Peer, request: ClientRequest, onEnd: ExchangeEnd) {
    this.#scene = scene;
    this.#peer = peer;
    this.#request = request;
    this.#client = request.answer;
    this.#pending = createPending<PlainAttempt>(scene.configuration, peer.listenerTag, randomUUID(), request.headBytes);
    this.#pending.tls = peer.tls;
    this.#pending.http2 = request.http2;
    this.#onEnd = onEnd;
    request.onClose(() => this.#settle());
    this.#client.onDrain(() => this.#onDrained());
  }

  /** Never throws. */
  start(): void {
    try {
      if (!this.#request.destroyed) this.#decide();
    } catch (error) {
      this.#onFault(error);
    }
  }

  #decide(): void {
    const { head, headBytes } = this.#request;
    const target = decidePlain(this.#pending, head, this.#peer.clientAddress, this.#scene.headLimits);
    const { request } = this.#pending;
    if (headBytes > 0 && request !== undefined) this.#pending.request = { ...request, bytes: headBytes };
    if (target instanceof OwnAnswer) this.#answerOwn(target);
    else if (isRefusal(target)) this.refuse(target);
    else if (contextOf(this.#pending.configuration, target.choice.service) !== 0) {
      this.refuse(refuse('upgrade-required', 'plain requests do not pass to a backend over TLS'));
    } else this.#forward(target);
  }

  /** Ends it now; the client's connection is closed by whoever asks for this. */
  end(closeReason: string): void {
    this.#record.closeReason ||= closeReason;
    this.#settle();
  }

  /** Answers by the gateway itself, and closes behind it; without an answer when one has begun. */
  refuse(refusal: Refusal): void {
    if (this.#over) return;
    this.#dropAttempt();
    if (this.#client.begun) {
      this.#abandon('relay-truncated');
      return;
    }
    const { answers, context } = this.#scene;
    const { status, code } = refusal;
    this.#record.refusalReason = answers.refusalReason(this.#pending, refusal);
    const retryS = status === 503 ? retryAfterS(context.random) : 0;
    const text = refusalBytes(refusal, this.#pending.requestId, httpDate(Date.now()), this.#request.method, retryS);
    this.#say(status, code, text, answers.refusalGroup(this.#pending, refusal));
  }

  #answerOwn(answer: OwnAnswer): void {
    const text = ownAnswerBytes(answer, this.#pending.requestId, httpDate(Date.now()), this.#request.method);
    this.#say(answer.status, answer.code, text, this.#scene.answers.group(this.#pending, -1));
  }

  #say(status: number, code: RefusalCode | OwnAnswerCode, text: string, group: number): void {
    const { reason, fields, body } = answerParts(text);
    this.#record.status = status;
    this.#record.refusal = code;
    this.#record.closeReason = 'refused';
    this.#scene.context.meters?.answered(group, status);
    this.#client.begin(status, reason, fields, true);
    this.#client.end(body);
    this.#request.leave();
  }

  #forward(target: PlainTarget): void {
    const nowMs = performance.now();
    const wholeMs = requestMs(target.rule.limits);
    this.#target = target;
    this.#pending.attempt = firstPlan(target, this.#pending, this.#scene.context.limits, nowMs);
    if (wholeMs > 0) this.#limits.whole(wholeMs, () => this.#limit('answer-timeout'));
    this.#dial(this.#pending.attempt, nowMs);
  }

  #dial(plan: PlainAttempt, nowMs: number): void {
    const { context, pools } = this.#scene;
    const { choice, tried } = plan;
    const upstream = pools.of(choice.endpoint);
    if (upstream === undefined) {
      this.refuse(refuse('overloaded', 'too many requests are under way to this endpoint'));
      return;
    }
    const { snapshot } = this.#pending.configuration;
    const endpoints = context.endpoints.of(snapshot.serviceName(choice.service)).length;
    const leftMs = Math.min(plan.deadlineMs, plan.requestDeadlineMs) - nowMs;
    plan.hurried = plan.requestDeadlineMs < plan.deadlineMs;
    this.#record.dialledAtMs = nowMs;
    this.#count(choice.endpoint.slot);
    this.#limits.stage(attemptTimeoutMs(leftMs, endpoints, tried.length - 1), () => this.#onConnectTimeout());
    const target = { ...(this.#target as PlainTarget), choice };
    const request = forwardedRequest(target, this.#pending, this.#peer.clientAddress, this.#request.body);
    this.#attempt = new Attempt(upstream, request, this.#watch(plan));
    this.#attempt.dispatch();
  }

  #watch(plan: PlainAttempt): AttemptWatch {
    return {
      onConnected: () => this.#onConnected(plan),
      onBodyStart: () => this.#onBodyStart(),
      onBodyChunk: (bytes) => this.#onBodyChunk(bytes),
      onSent: () => this.#awaitAnswer(plan),
      onHead: (status, reason, raw) => this.#onHead(plan, status, reason, raw),
      onData: (chunk) => this.#onData(chunk),
      onDone: (trailers) => this.#onDone(trailers),
      onFailed: (error, started, untouched) => this.#onFailed(plan, error, started, untouched),
      onFault: (error) => this.#onFault(error),
    };
  }

  #onConnected(plan: PlainAttempt): void {
    if (!plan.connected) this.#scene.lessons.connectWorked(plan.choice);
    plan.connected = true;
    this.#awaitProgress();
  }

  #onBodyStart(): void {
    if (this.#request.expects && !this.#client.begun) this.#client.continue();
  }

  #onBodyChunk(bytes: number): void {
    this.#record.requestBytes += bytes;
    this.#limits.touch();
  }

  /** The whole request has gone to the endpoint: its answer is awaited. */
  #awaitAnswer({ rule }: PlainAttempt): void {
    if (this.#over || this.#client.begun) return;
    this.#limits.stage(answerMs(rule.limits, this.#scene.context.limits), () => this.#limit('answer-timeout'));
  }

  #onHead(plan: PlainAttempt, status: number, reason: string, raw: readonly (Buffer | string)[]): void {
    const { headLimits, lessons, context, answers } = this.#scene;
    this.#pending.latencyMs ??= performance.now() - (this.#record.dialledAtMs ?? 0);
    const response = parseResponseHead(responseText(status, reason, raw), headLimits);
    if (isRefusal(response)) {
      this.refuse(response);
      return;
    }
    lessons.answered(plan.choice, response, this.#pending.configuration.snapshot);
    if (status < 200) {
      this.#client.interim(status, response.fields);
      return;
    }
    this.#pass(plan, response);
    if (this.#record.status !== status) return;
    context.meters?.answered(answers.group(this.#pending, plan.choice.service), status);
    this.#limits.answered();
    this.#awaitProgress();
  }

  #pass(plan: PlainAttempt, response: ResponseHead): void {
    const { answers, draining } = this.#scene;
    const changes = answers.changes(this.#pending, plan);
    const fields = plainAnswerFields(response, this.#pending.requestId, httpDate(Date.now()), changes);
    if (isRefusal(fields)) {
      this.refuse(fields);
      return;
    }
    this.#record.status = response.status;
    this.#client.begin(response.status, response.reason, fieldPairs(fields), draining);
  }

  #onData(chunk: Buffer): void {
    this.#limits.touch();
    if (!this.#client.write(chunk)) this.#attempt?.pause();
  }

  #onDrained(): void {
    this.#limits.touch();
    this.#attempt?.resume();
  }

  #onDone(trailers: readonly (Buffer | string)[]): void {
    this.#record.backendEndedMs = performance.now();
    this.#attempt = undefined;
    this.#record.closeReason = 'relayed';
    this.#client.finish(trailerPairs(trailers));
    this.#request.leave();
  }

  #onConnectTimeout(): void {
    const error = Object.assign(new Error('connecting took too long'), { code: 'UND_ERR_CONNECT_TIMEOUT' });
    const attempt = this.#attempt;
    attempt?.drop(error);
    this.#onFailed(this.#pending.attempt as PlainAttempt, error, false, attempt?.untouched ?? true);
  }

  #onFailed(plan: PlainAttempt, error: Error, started: boolean, untouched: boolean): void {
    if (this.#over) return;
    this.#attempt = undefined;
    this.#record.backendEndedMs = performance.now();
    if (this.#client.begun) {
      this.#abandon('relay-truncated');
      return;
    }
    const fault = started ? answerFault(error) : undefined;
    if (fault !== undefined) {
      this.refuse(fault);
      return;
    }
    const failure = upstreamFailure(error, started);
    const code = failureCode(failure.stage, failure.code);
    const hurried = plan.hurried && code === 'connect-timeout';
    if (!hurried) this.#scene.lessons.failed(failure, plan.choice, this.#pending.configuration.snapshot);
    const harmless = failure.stage === FailedStage.connect || SAFE.has(this.#request.method);
    if (untouched && harmless && this.#tryAgain(plan, code)) return;
    this.refuse(limitRefusal(code, plan));
  }

  #tryAgain(plan: PlainAttempt, code: RefusalCode): boolean {
    const nowMs = performance.now();
    const leftMs = Math.min(plan.deadlineMs, plan.requestDeadlineMs) - nowMs;
    if (!mayTryAgain(code, plan.tried.length, leftMs)) return false;
    if (!planAgain(plan, this.#pending, code)) return false;
    this.#dial(plan, nowMs);
    return true;
  }

  /** On the endpoint in this slot and on no other; -1: on none. */
  #count(slot: number): void {
    const { calls } = this.#scene;
    if (this.#slot >= 0) calls.countRequest(this.#slot, 0);
    if (slot >= 0) calls.countRequest(slot, 1);
    this.#slot = slot;
  }

  #onFault(error: unknown): void {
    this.#scene.context.onError(error);
    this.refuse(refuse('internal'));
  }

  /** A limit of the request is over. */
  #limit(code: 'answer-timeout'): void {
    const plan = this.#pending.attempt;
    if (plan === undefined || this.#over) return;
    const silent = this.#attempt?.started !== true;
    this.refuse(limitRefusal(silent ? 'connect-timeout' : code, plan));
  }

  /** From now on: no byte in either direction for too long. */
  #awaitProgress(): void {
    const { rule } = this.#target as PlainTarget;
    this.#limits.stage(idleMs(rule.limits, this.#scene.context.limits), () => this.#abandon('idle-timeout'));
  }

  /** Ends the client's connection: it has a part of an answer at most. */
  #abandon(closeReason: string): void {
    this.#record.closeReason ||= closeReason;
    this.#dropAttempt();
    this.#request.abandon();
    this.#settle();
  }

  #dropAttempt(): void {
    this.#record.backendEndedMs ??= this.#attempt === undefined ? undefined : performance.now();
    this.#attempt?.drop(new Error('the request is over'));
    this.#attempt = undefined;
    this.#limits.clear();
  }

  #settle(): void {
    if (this.#over) return;
    this.#over = true;
    this.#dropAttempt();
    this.#count(-1);
    this.#record.write(this.#scene, this.#peer, this.#pending, this.#client);
    this.#onEnd();
  }
}
