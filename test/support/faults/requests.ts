/** What a backend may do to a plain request, beside answering it: `/NAME` at a `FaultyBackend`. */
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A request whose head has come. */
export interface Victim {
  readonly socket: Socket;
  /** Ends the connection by a reset, below TLS too. */
  readonly reset: () => void;
  /** How long a pause is. */
  readonly pauseMs: number;
}
type RequestFault = (victim: Victim) => unknown;

const OK = 'HTTP/1.1 200 OK\r\n';
/** Pieces of a body that comes slowly. */
export const PIECES = 5;

async function slowly({ socket, pauseMs }: Victim, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) {
    socket.write(piece);
    await delay(pauseMs);
  }
}

export const requestFaults: Readonly<Record<string, RequestFault>> = {
  fine: ({ socket }) => socket.write(`${OK}Content-Length: 4\r\n\r\nfine`),
  reset: ({ reset }) => reset(),
  close: ({ socket }) => socket.end(),
  silent: () => undefined,
  'head-in-pieces': (victim) => slowly({ ...victim, pauseMs: 10 }, [OK, 'Content-Le', 'ngth: 2\r\n', '\r\nok']),
  'head-stalls': ({ socket }) => socket.write(`${OK}Content-Le`),
  'head-cut': ({ socket }) => socket.end(`${OK}Content-Le`),
  'head-large': ({ socket }) => socket.write(`${OK}X: ${'x'.repeat(64 * 1024)}\r\n\r\n`),
  'no-answer': ({ socket }) => socket.write('220 mail.example.com ESMTP\r\n\r\n'),
  'two-lengths': ({ socket }) => socket.write(`${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc`),
  'length-and-chunks': ({ socket }) =>
    socket.write(`${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nok`),
  'body-slow': (victim) => {
    const pieces = Array.from({ length: PIECES }, () => '4\r\nslow\r\n');
    return slowly(victim, [`${OK}Transfer-Encoding: chunked\r\n\r\n`, ...pieces, '0\r\n\r\n']);
  },
  'body-stalls': ({ socket }) => socket.write(`${OK}Content-Length: 10\r\n\r\nhalf`),
  'body-cut': ({ socket }) => socket.end(`${OK}Content-Length: 10\r\n\r\nhalf`),
  'body-reset': async ({ socket, reset, pauseMs }) => {
    socket.write(`${OK}Content-Length: 10\r\n\r\nhalf`);
    await delay(pauseMs);
    reset();
  },
  'chunk-broken': ({ socket }) => socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nxyz\r\n`),
  'chunks-cut': ({ socket }) => socket.end(`${OK}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`),
  'more-than-whole': ({ socket }) => socket.write(`${OK}Content-Length: 4\r\n\r\nfineHTTP/1.1 200 OK\r\n\r\n`),
  /** Nothing of a body is taken. */
  'body-unread': ({ socket }) => socket.pause(),
};
