/**
 * One plain request: decided by the functions that decide handshakes, forwarded, answered, recorded once.
 *
 * Invariant: a request ends in exactly one record, and leaves no request to an endpoint behind (upstream-request.ts).
 * Worker thread.
 */
import { randomUUID } from 'node:crypto';
import { plainAnswerFields } from '../policy/forward.js';
import { parseRequestHead, parseResponseHead, type ResponseHead } from '../policy/head.js';
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
import { decidePlain, type PlainTarget } from '../worker/handshake-request.js';
import type { ClientAnswer, ClientRequest } from './client-request.js';
import { ExchangeRecord } from './exchange-record.js';
import { answerParts, fieldPairs, responseText, trailerPairs } from './heads.js';
import type { Peer, StreamScene } from './scene.js';
import { UpstreamRequest } from './upstream-request.js';

/** Told once, when the request is over. */
export type ExchangeEnd = () => void;

export class Exchange {
  readonly #scene: StreamScene;
  readonly #peer: Peer;
  readonly #request: ClientRequest;
  readonly #client: ClientAnswer;
  readonly #pending: Pending;
  readonly #onEnd: ExchangeEnd;
  #upstream: UpstreamRequest | undefined;
  readonly #record = new ExchangeRecord();
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
    this.#client.onDrain(() => this.#upstream?.resume());
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
    else this.#forward(target);
  }

  /** Ends it now; the client's connection is closed by whoever asks for this. */
  end(closeReason: string): void {
    this.#record.closeReason ||= closeReason;
    this.#settle();
  }

  /** Refuses it before anything is decided; its record has what the head says. */
  decline(refusal: Refusal): void {
    const request = parseRequestHead(this.#request.head, this.#scene.headLimits);
    if (!isRefusal(request)) this.#pending.request = request;
    this.refuse(refusal);
  }

  /** Answers by the gateway itself, and closes behind it; without an answer when one has begun. */
  refuse(refusal: Refusal): void {
    if (this.#over) return;
    this.#upstream?.drop();
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
    this.#peer.bytesDown += this.#client.bodyBytes;
    this.#request.leave();
  }

  #forward(target: PlainTarget): void {
    const [scene, peer, pending] = [this.#scene, this.#peer, this.#pending];
    const parts = { scene, peer, request: this.#request, pending, record: this.#record };
    this.#upstream = new UpstreamRequest(parts, target, {
      onBodyStart: () => this.#onBodyStart(),
      onHead: (plan, status, reason, raw) => this.#onHead(plan, status, reason, raw),
      onData: (chunk) => this.#client.write(chunk),
      onDone: (trailers) => this.#onDone(trailers),
      onRefused: (refusal) => this.refuse(refusal),
      onTruncated: () => this.#abandon('relay-truncated'),
      onIdle: () => this.#abandon('idle-timeout'),
      onOrdered: (reason) => this.#abandon(reason),
      onFault: (error) => this.#onFault(error),
    });
    this.#upstream.begin();
  }

  #onBodyStart(): void {
    if (this.#request.expects && !this.#client.begun) this.#client.continue();
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
    this.#upstream?.answered();
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

  #onDone(trailers: readonly (Buffer | string)[]): void {
    this.#record.closeReason = 'relayed';
    this.#client.finish(trailerPairs(trailers));
    this.#request.leave();
  }

  #onFault(error: unknown): void {
    this.#scene.context.onError(error);
    this.refuse(refuse('internal'));
  }

  /** Ends the client's connection: it has a part of an answer at most. */
  #abandon(closeReason: string): void {
    this.#record.closeReason ||= closeReason;
    this.#upstream?.drop();
    this.#request.abandon();
    this.#settle();
  }

  #settle(): void {
    if (this.#over) return;
    this.#over = true;
    this.#upstream?.drop();
    this.#record.write(this.#scene, this.#peer, this.#pending, this.#client);
    this.#onEnd();
  }
}
