/**
 * The end of an HTTP/1.1 connection behind its last answer, as the engine ends its own (native/linger.c): writing is shut
 * down, and what the client still sends is read for a bounded while and thrown away.
 *
 * A plain close with bytes unread would make the kernel send a reset, and the client would lose an answer that it has not
 * read yet. Worker thread.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** How long a client may go on sending what nobody wants. */
const LINGER_MS = 1000;
/** So much of it is read; the rest waits in the kernel, and the client with it. */
const LINGER_BYTES_MAX = 64 * 1024;

/** From now on the socket ends like this where Node would close it, behind an answer that is the last. */
export function lingerAtEnd(socket: Socket): void {
  socket.destroySoon = () => linger(socket);
}

/** Ends it so now. */
export function linger(socket: Socket): void {
  socket.end();
  if (socket.writableFinished) expire(socket);
  else socket.once('finish', () => expire(socket));
}

/** The answer to this request is complete: a body that is still coming is not read to its end, unless that is near. */
export function leaveBody(body: IncomingMessage): void {
  if (body.complete) return;
  const { socket } = body;
  let leftBytes = LINGER_BYTES_MAX;
  body.on('data', (chunk: Buffer) => {
    leftBytes -= chunk.length;
    if (leftBytes > 0) return;
    body.pause();
    socket.end();
  });
  body.resume();
  expire(socket, () => !body.complete);
}

function expire(socket: Socket, isDue = () => true): void {
  const timer = setTimeout(() => {
    if (isDue()) socket.destroy();
  }, LINGER_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}
