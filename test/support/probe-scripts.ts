/** What a backend may do to a prober, as scripts of a raw server: the faults of the hostile tests, one function each. */
import type { Socket } from 'node:net';
import { acceptOf } from '@sluice/healthd/probes/websocket';
import type { Script } from './probe-server.js';

/** Calls `then` with the head once it is there. */
export function onHead(socket: Socket, then: (head: string) => void): void {
  let head = '';
  socket.on('data', (chunk: Buffer) => {
    if (head.includes('\r\n\r\n')) return;
    head += chunk.toString('latin1');
    if (head.includes('\r\n\r\n')) then(head);
  });
}

/** Says `bytes` when a request's head has come, and no more. */
export function says(bytes: string | Buffer): Script {
  return (socket) => onHead(socket, () => socket.write(bytes));
}

/** Writes `piece` without end, as fast as it is taken. */
export function pour(socket: Socket, piece: string | Buffer): void {
  const more = () => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on('drain', more);
  more();
}

/** Says `start`, then `piece` without end. */
export function pours(start: string | Buffer, piece: string | Buffer): Script {
  return (socket) =>
    onHead(socket, () => {
      socket.write(start);
      pour(socket, piece);
    });
}

/** One byte at a time, for as long as the peer stays. */
export function drips(bytes: string, everyMs: number): Script {
  return (socket) => {
    let at = 0;
    const timer = setInterval(() => {
      socket.write(bytes[at % bytes.length] ?? '');
      at += 1;
    }, everyMs);
    socket.on('close', () => clearInterval(timer));
    socket.resume();
  };
}

export function resetsAfter(bytes: string): Script {
  return (socket) =>
    onHead(socket, () => {
      if (bytes === '') socket.resetAndDestroy();
      else socket.write(bytes, () => socket.resetAndDestroy());
    });
}

/** Head of a good 101 to the handshake in `head`. */
export function switching(head: string, more = ''): string {
  const key = /^sec-websocket-key: (.+)\r$/im.exec(head)?.[1] ?? '';
  const fields = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n${more}`;
  return `HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`;
}

/** Completes the handshake, then does as `then` says. */
export function upgrades(then: (socket: Socket) => void, behind: string | Buffer = ''): Script {
  return (socket) =>
    onHead(socket, (head) => {
      socket.write(Buffer.concat([Buffer.from(switching(head), 'latin1'), Buffer.from(behind as string, 'latin1')]));
      then(socket);
    });
}

/** A frame of HTTP/2. */
export function http2Frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
