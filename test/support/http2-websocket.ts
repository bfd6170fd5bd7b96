/** A WebSocket over HTTP/2 as a client opens it (RFC 8441): the stream and what it was answered with. */
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import type { Address } from './raw-client.js';

/** A session whose peer's settings have come. `origin`: scheme and authority of requests. */
export async function http2Session(to: Address, options = {}): Promise<ClientHttp2Session> {
  const session = connect(`http://${to.address}:${to.port}`, options);
  session.on('error', () => {});
  await once(session, 'remoteSettings');
  return session;
}

export interface Opened {
  readonly stream: ClientHttp2Stream;
  readonly headers: IncomingHttpHeaders & { ':status'?: number };
}

/** Sends the extended CONNECT and waits for the head of its answer. */
export async function openWebSocket(
  session: ClientHttp2Session,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Opened> {
  const stream = session.request(
    {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'http',
      ':path': path,
      ':authority': 'gateway.test',
      'sec-websocket-version': '13',
      ...headers,
    },
    { endStream: false },
  );
  stream.on('error', () => {});
  const [answer] = await once(stream, 'response');
  return { stream, headers: answer as Opened['headers'] };
}

/** The next bytes of a stream. Throws when it ends before. */
export async function readBytes(stream: ClientHttp2Stream, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let left = length;
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    const part = (chunk as Buffer).subarray(0, left);
    parts.push(part);
    left -= part.length;
    if (part.length < (chunk as Buffer).length) stream.unshift((chunk as Buffer).subarray(part.length));
    if (left === 0) return Buffer.concat(parts);
  }
  throw new Error(`the stream ended ${left} bytes early`);
}

/** Everything up to END_STREAM. Throws on a reset. */
export async function readAll(stream: ClientHttp2Stream): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of stream) parts.push(chunk as Buffer);
  return Buffer.concat(parts);
}
