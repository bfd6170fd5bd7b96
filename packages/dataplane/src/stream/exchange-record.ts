/**
 * What the record of one request on the stream path is made of, gathered while it goes on. Worker thread.
 */
import { textOf } from '../policy/client.js';
import type { OwnAnswerCode } from '../policy/own-answer.js';
import type { RefusalCode } from '../policy/refusal.js';
import type { Pending } from '../worker/connection-record.js';
import type { ClientAnswer } from './client-request.js';
import type { Peer, StreamScene } from './scene.js';
import { recordLine } from './stream-record.js';

export class ExchangeRecord {
  requestBytes = 0;
  /** Moments, performance.now: of the last attempt's beginning, and of the end of what the backend said. */
  dialledAtMs: number | undefined;
  backendEndedMs: number | undefined;
  status = 0;
  refusal: RefusalCode | OwnAnswerCode | undefined;
  refusalReason = '';
  /** '' until something has ended the request. */
  closeReason = '';

  /** Writes the record. */
  write({ context, answers, calls }: StreamScene, peer: Peer, pending: Pending, client: ClientAnswer): void {
    if (!context.accessLog) return;
    const { status, refusal, refusalReason, closeReason, dialledAtMs } = this;
    const nowMs = performance.now();
    const left = closeReason === '' || (!client.sent && closeReason === 'relayed');
    calls.logLine(
      recordLine({
        nowMs: Date.now(),
        clientIp: textOf(pending.told, peer.clientIp),
        fields: answers.fields(pending, { status, responseHeaderBytes: client.headBytes, refusal, refusalReason }),
        requestBodyBytes: this.requestBytes,
        responseBodyBytes: client.bodyBytes,
        backendTimeTakenMs: dialledAtMs === undefined ? undefined : (this.backendEndedMs ?? nowMs) - dialledAtMs,
        timeTakenMs: nowMs - pending.requestedAtMs,
        closeReason: left ? 'client-aborted' : closeReason,
      }),
    );
  }
}
