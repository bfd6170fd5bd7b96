/**
 * The access-log record of one request on the stream path: the same members in the same order as the engine's records.
 * Pure.
 */

export interface StreamRecord {
  readonly nowMs: number;
  readonly clientIp: string;
  /** `connectionFields`. */
  readonly fields: string;
  readonly requestBodyBytes: number;
  readonly responseBodyBytes: number;
  /** ms; undefined when no endpoint was asked. */
  readonly backendTimeTakenMs: number | undefined;
  readonly timeTakenMs: number;
  readonly closeReason: string;
}

/** One line, with its end. */
export function recordLine(record: StreamRecord): string {
  const { nowMs, clientIp, fields, backendTimeTakenMs: backend } = record;
  return (
    `{"level":30,"time":${nowMs},"clientIp":"${clientIp}",${fields},` +
    `"requestBodyBytes":${record.requestBodyBytes},"responseBodyBytes":${record.responseBodyBytes},` +
    `"backendTimeTaken":${backend === undefined ? '"-"' : backend.toFixed(3)},` +
    `"timeTaken":${record.timeTakenMs.toFixed(3)},"closeReason":"${record.closeReason}"}\n`
  );
}
