/**
 * How long a stream may go on for what its client does not take: a window that stays shut would keep it, and with it its
 * connection, for as long as the client likes. Worker thread.
 */
import type { ServerHttp2Stream } from 'node:http2';
import { MS_MAX } from './exchange-limits.js';

/** Ends the stream by a reset when so long has passed (since the last `refresh`) before it is closed; 0: never. */
export function expireStream(stream: ServerHttp2Stream, ms: number): NodeJS.Timeout | undefined {
  if (ms === 0 || stream.destroyed) return undefined;
  const timer = setTimeout(() => stream.destroy(new Error('the client takes nothing')), Math.min(ms, MS_MAX));
  stream.once('close', () => clearTimeout(timer));
  return timer;
}
