/**
 * The record of a connection over HTTP/2 that ended for what its client did: no request of its own has a place for that.
 * Worker thread.
 */
import { createPending, NO_OUTCOME, type PlainAttempt } from '../worker/connection-record.js';
import type { StreamScene } from './scene.js';
import type { StreamConnection } from './stream-connection.js';
import { recordLine } from './stream-record.js';

/** `why`: for the log, in words; `elapsedMs`: since it began. */
export function sessionRecord(
  { context, answers, calls, configuration }: StreamScene,
  { listenerTag, tls, clientIp, closeReason, bytesUp, bytesDown }: StreamConnection,
  why: string,
  elapsedMs: number,
): void {
  if (!context.accessLog) return;
  const pending = createPending<PlainAttempt>(configuration, listenerTag, '', 0);
  pending.tls = tls;
  pending.http2 = true;
  calls.logLine(
    recordLine({
      nowMs: Date.now(),
      clientIp,
      fields: answers.fields(pending, { ...NO_OUTCOME, refusalReason: why }),
      requestBodyBytes: bytesUp,
      responseBodyBytes: bytesDown,
      backendTimeTakenMs: undefined,
      timeTakenMs: elapsedMs,
      closeReason,
    }),
  );
}
