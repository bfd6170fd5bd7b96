/** Streams that are offered as fast as they are taken, and how to tell that they are not taken any more. */
import type { Socket } from 'node:net';
import { eventually } from './eventually.js';
import { patternSlice } from './pattern.js';

/** Writes `size` bytes of the pattern, then FIN. */
export function offer(socket: Socket, size: number): void {
  let sent = 0;
  const more = () => {
    while (sent < size) {
      const piece = patternSlice(sent, size - sent);
      sent += piece.length;
      if (!socket.write(piece)) {
        socket.once('drain', more);
        return;
      }
    }
    socket.end();
  };
  more();
}

/** Waits until a count has stood still for 30 looks in a row; the count. */
export async function standstill(count: () => number): Promise<number> {
  let last = -1;
  await eventually(
    () => {
      const now = count();
      const before = last;
      last = now;
      if (now !== before) {
        throw new Error(`still moving: ${before}, then ${now}`);
      }
    },
    { successes: 30, budgetMs: 20_000 },
  );
  return last;
}

/** Bytes that the kernel has taken from a socket. */
export function handedOver(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength;
}
