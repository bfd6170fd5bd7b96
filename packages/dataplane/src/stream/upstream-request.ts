/**
 * A request as endpoints are asked for it: one attempt after the other, until one answers or none is left to be tried.
 *
 * Invariant: `ended`, `refused` or `truncated` is told once, or it was dropped; it leaves no timer and no request to an
 * endpoint behind. Another endpoint is tried while nothing of a body was taken: after connects that failed, and after a
 * reset before the answer where doing it twice does no harm (RFC 9110 9.2.2). Worker thread.
 */
import { FailedStage } from '../engine/binding.js';
import { answerMs, idleMs, requestMs } from '../policy/limits.js';
import { type Refusal, type RefusalCode, refuse } from '../policy/refusal.js';
import type { Pending, PlainAttempt } from '../worker/connection-record.js';
import { attemptTimeoutMs, failureCode, limitRefusal, mayTryAgain } from '../worker/failure.js';
import { ownerFor } from '../worker/handshake-answers.js';
import { backendTlsOf } from '../worker/handshake-context.js';
import type { PlainTarget } from '../worker/handshake-request.js';
import { Attempt, type AttemptWatch } from './attempt.js';
import type { ClientRequest } from './client-request.js';
import { ExchangeLimits } from './exchange-limits.js';
import type { ExchangeRecord } from './exchange-record.js';
import { firstPlan, forwardedRequest, planAgain } from './plan.js';
import type { Peer, StreamScene } from './scene.js';
import { answerFault, upstreamFailure } from './upstream-failure.js';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** What it is part of. */
export interface UpstreamParts {
  readonly scene: StreamScene;
  readonly peer: Peer;
  readonly request: ClientRequest;
  readonly pending: Pending;
  readonly record: ExchangeRecord;
}

export interface UpstreamWatch extends Pick<AttemptWatch, 'onBodyStart' | 'onFault'> {
  /** Interim answers too; `answered` is called when a final one has been passed on. `raw`: names and values in turn. */
  onHead(plan: PlainAttempt, status: number, reason: string, raw: readonly (Buffer | string)[]): void;
  /** False: to be held until `resume`. */
  onData(chunk: Buffer): boolean;
  onDone(trailers: readonly (Buffer | string)[]): void;
  onRefused(refusal: Refusal): void;
  /** The endpoint has ended inside its answer. */
  onTruncated(): void;
  /** No byte in either direction for too long. */
  onIdle(): void;
  /** The endpoint or the route is not to be used any more, and its policy ends what is under way. */
  onOrdered(reason: string): void;
}

export class UpstreamRequest {
  readonly #parts: UpstreamParts;
  readonly #target: PlainTarget;
  readonly #watch: UpstreamWatch;
  readonly #limits = new ExchangeLimits();
  #attempt: Attempt | undefined;
  #answered = false;
  /** Of the endpoint that it is counted on; -1: none. */
  #slot = -1;
  #release: (() => void) | undefined;
  #over = false;

  constructor(parts: UpstreamParts, target: PlainTarget, watch: UpstreamWatch) {
    this.#parts = parts;
    this.#target = target;
    this.#watch = watch;
  }

  /** Throws what is a fault of ours. */
  begin(): void {
    const { pending, scene } = this.#parts;
    const nowMs = performance.now();
    const wholeMs = requestMs(this.#target.rule.limits);
    const plan = firstPlan(this.#target, pending, scene.context.limits, nowMs);
    pending.attempt = plan;
    if (wholeMs > 0) this.#limits.whole(wholeMs, () => this.#onLate(plan));
    this.#dial(plan, nowMs);
  }

  /** The head of the final answer has been passed on: what is not whole now is not asked for again. */
  answered(): void {
    this.#answered = true;
    this.#limits.answered();
    this.#awaitProgress();
  }

  /** The client takes more. */
  resume(): void {
    this.#limits.touch();
    this.#attempt?.resume();
  }

  /** Ends it; nothing is told of it any more. */
  drop(): void {
    this.#over = true;
    if (this.#attempt !== undefined) this.#parts.record.backendEndedMs ??= performance.now();
    this.#attempt?.drop(new Error('the request is over'));
    this.#attempt = undefined;
    this.#limits.clear();
    this.#count(-1);
  }

  #dial(plan: PlainAttempt, nowMs: number): void {
    const { scene, peer, pending, record, request } = this.#parts;
    const { context, pools } = scene;
    const { configuration } = pending;
    const { choice, tried } = plan;
    const upstream = pools.of(choice.endpoint, backendTlsOf(configuration, choice.service), configuration.material);
    if (upstream === undefined) {
      this.#refuse(refuse('overloaded', 'too many requests are under way to this endpoint'));
      return;
    }
    const endpoints = context.endpoints.of(configuration.snapshot.serviceName(choice.service)).length;
    const leftMs = Math.min(plan.deadlineMs, plan.requestDeadlineMs) - nowMs;
    plan.hurried = plan.requestDeadlineMs < plan.deadlineMs;
    record.dialledAtMs = nowMs;
    this.#count(choice.endpoint.slot);
    const connectMs = attemptTimeoutMs(leftMs, endpoints, tried.length - 1);
    this.#limits.stage(connectMs, () => this.#onConnectTimeout(plan));
    const forwarded = forwardedRequest({ ...this.#target, choice }, pending, peer.clientAddress, request.body);
    this.#attempt = new Attempt(upstream, forwarded, this.#attemptWatch(plan));
    this.#attempt.dispatch(connectMs, tried.at(-2) === choice.endpoint.slot);
  }

  #attemptWatch(plan: PlainAttempt): AttemptWatch {
    const watch = this.#watch;
    return {
      onConnected: () => this.#onConnected(plan),
      onBodyStart: () => watch.onBodyStart(),
      onBodyChunk: (bytes) => this.#onBodyChunk(bytes),
      onSent: () => this.#awaitAnswer(plan),
      onHead: (status, reason, raw) => watch.onHead(plan, status, reason, raw),
      onData: (chunk) => this.#onData(chunk),
      onDone: (trailers) => this.#onDone(trailers),
      onFailed: (error, started, untouched) => this.#onFailed(plan, error, started, untouched),
      onFault: (error) => watch.onFault(error),
    };
  }

  #onConnected(plan: PlainAttempt): void {
    if (!plan.connected) this.#parts.scene.lessons.connectWorked(plan.choice);
    plan.connected = true;
    this.#awaitProgress();
  }

  #onBodyChunk(bytes: number): void {
    this.#parts.record.requestBytes += bytes;
    this.#parts.peer.bytesUp += bytes;
    this.#limits.touch();
  }

  #onData(chunk: Buffer): void {
    this.#limits.touch();
    this.#parts.peer.bytesDown += chunk.length;
    if (!this.#watch.onData(chunk)) this.#attempt?.pause();
  }

  #onDone(trailers: readonly (Buffer | string)[]): void {
    this.#parts.record.backendEndedMs = performance.now();
    this.#attempt = undefined;
    this.#count(-1);
    this.#watch.onDone(trailers);
  }

  /** The whole request has gone to the endpoint: its answer is awaited. */
  #awaitAnswer(plan: PlainAttempt): void {
    if (this.#over || this.#answered) return;
    this.#limits.stage(answerMs(plan.rule.limits, this.#parts.scene.context.limits), () => this.#onLate(plan));
  }

  /** From now on: no byte in either direction for too long. */
  #awaitProgress(): void {
    const idle = idleMs(this.#target.rule.limits, this.#parts.scene.context.limits);
    this.#limits.stage(idle, () => this.#watch.onIdle());
  }

  /** A limit of the request is over. */
  #onLate(plan: PlainAttempt): void {
    const silent = this.#attempt?.started !== true;
    this.#refuse(limitRefusal(silent ? 'connect-timeout' : 'answer-timeout', plan));
  }

  #onConnectTimeout(plan: PlainAttempt): void {
    const error = Object.assign(new Error('connecting took too long'), { code: 'UND_ERR_CONNECT_TIMEOUT' });
    const attempt = this.#attempt;
    attempt?.drop(error);
    try {
      this.#onFailed(plan, error, false, attempt?.untouched ?? true);
    } catch (fault) {
      this.#watch.onFault(fault);
    }
  }

  #onFailed(plan: PlainAttempt, error: Error, started: boolean, untouched: boolean): void {
    if (this.#over) return;
    const { record, scene, pending, request } = this.#parts;
    this.#attempt = undefined;
    record.backendEndedMs = performance.now();
    if (this.#answered) {
      this.#watch.onTruncated();
      return;
    }
    const fault = started ? answerFault(error) : undefined;
    if (fault !== undefined) {
      this.#refuse(fault);
      return;
    }
    const failure = upstreamFailure(error, started);
    const code = failureCode(failure.stage, failure.code);
    const hurried = plan.hurried && code === 'connect-timeout';
    if (!hurried) scene.lessons.failed(failure, plan.choice, pending.configuration.snapshot);
    const harmless = failure.stage === FailedStage.connect || SAFE.has(request.method);
    if (untouched && harmless && this.#tryAgain(plan, code)) return;
    this.#refuse(failure.why === '' ? limitRefusal(code, plan) : refuse(code, undefined, failure.why));
  }

  #tryAgain(plan: PlainAttempt, code: RefusalCode): boolean {
    const nowMs = performance.now();
    const leftMs = Math.min(plan.deadlineMs, plan.requestDeadlineMs) - nowMs;
    if (!mayTryAgain(code, plan.tried.length, leftMs)) return false;
    if (!planAgain(plan, this.#parts.pending, code)) return false;
    this.#dial(plan, nowMs);
    return true;
  }

  /** On the endpoint in this slot and on no other, and as one that its orders end; -1: on none. */
  #count(slot: number): void {
    const { scene, pending } = this.#parts;
    if (this.#slot >= 0) scene.calls.countRequest(this.#slot, 0);
    this.#release?.();
    this.#release = undefined;
    this.#slot = slot;
    if (slot < 0) return;
    scene.calls.countRequest(slot, 1);
    const owner = ownerFor(pending, this.#target.rule);
    this.#release = scene.endings.hold(slot, owner, (reason) => this.#watch.onOrdered(reason));
  }

  #refuse(refusal: Refusal): void {
    if (!this.#over) this.#watch.onRefused(refusal);
  }
}
