/**
 * One HTTP/1.1 request on a connection that an attempt has made: the head goes out, one head comes back.
 *
 * Bounded: a head of 16 KiB, 8 interim answers, no body. The socket stays the attempt's. healthd's only thread.
 */
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import type { Attempt } from './attempt.js';

const HEAD_BYTES_MAX = 16 * 1024;
const INTERIM_MAX = 8;

export interface Question {
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface HeadListener {
  /** A final answer; a 101 that is no upgrade too. */
  answered(status: number): void;
  /** A 101 with Upgrade and Connection, and what came behind its head. */
  upgraded(answer: IncomingMessage, behind: Buffer): void;
}

/** Throws for a path or a field that HTTP does not allow. */
export function ask(attempt: Attempt, socket: Socket, question: Question, listener: HeadListener): void {
  let interim = 0;
  const outgoing = request({
    createConnection: () => socket,
    path: question.path,
    headers: question.headers.map(([name, value]) => [name, value]) as never,
    setHost: false,
    maxHeaderSize: HEAD_BYTES_MAX,
  });
  outgoing.on('error', (error) => attempt.failWith(error));
  outgoing.on('information', () => {
    interim += 1;
    if (interim > INTERIM_MAX) attempt.fail(`more than ${INTERIM_MAX} interim answers (1xx)`);
  });
  outgoing.on('response', (answer) => {
    answer.on('error', () => undefined);
    listener.answered(answer.statusCode ?? 0);
  });
  outgoing.on('upgrade', (answer, _socket, behind) => listener.upgraded(answer, behind));
  outgoing.end();
}
