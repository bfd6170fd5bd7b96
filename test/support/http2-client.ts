/** Plain requests over HTTP/2 with prior knowledge, by Node's client: sessions that end with their test, whole answers. */
import { once } from 'node:events';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { afterEach } from 'vitest';
import type { Gateway } from './gateway.js';
import type { Echoed, HttpBackend } from './http-backend.js';

/** Opens sessions to a gateway that tests share; they, and what its backend has open, end behind each test. */
export function sessionsOf(
  running: () => { readonly gateway: Gateway; readonly backends: { readonly http: HttpBackend } },
): () => ClientHttp2Session {
  const sessions: ClientHttp2Session[] = [];
  afterEach(async () => {
    for (const client of sessions.splice(0)) {
      client.destroy();
      if (!client.closed) await once(client, 'close');
    }
    running().backends.http.server.closeAllConnections(); // after an abort undici connects anew, unasked
  });
  return () => {
    // Node's client counts what it has yet to send against its own memory, and then refuses answers.
    const client = connect(`http://127.0.0.1:${running().gateway.port}`, { maxSessionMemory: 1000 });
    client.on('error', () => {});
    sessions.push(client);
    return client;
  };
}

export interface Answered {
  readonly headers: IncomingHttpHeaders & { ':status'?: number };
  readonly body: Buffer;
  readonly trailers: IncomingHttpHeaders;
  readonly interim: readonly number[];
  readonly code: number;
}

/** Sends a request, and waits until its stream is closed, behind an error too. */
export async function ask(
  client: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: Buffer | string,
): Promise<Answered> {
  const stream = client.request({ ':authority': 'test.local', ...headers }, { endStream: body === undefined });
  const interim: number[] = [];
  const chunks: Buffer[] = [];
  let answer: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  stream.on('headers', (fields) => interim.push(Number(fields[':status'])));
  stream.on('response', (fields) => {
    answer = fields;
  });
  stream.on('trailers', (fields) => {
    trailers = fields;
  });
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  if (body !== undefined) stream.end(body);
  await new Promise((resolve) => stream.once('close', resolve));
  return { headers: answer, body: Buffer.concat(chunks), trailers, interim, code: stream.rstCode };
}

/** What the backend received. */
export const echoed = ({ body }: Answered) => JSON.parse(body.toString('latin1')) as Echoed;
