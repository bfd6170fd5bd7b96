/** One request of a client with TLS, over HTTP/1.1 or HTTP/2, that can go wrong in every way a client can. */
import { once } from 'node:events';
import { type ClientHttp2Stream, connect as connectHttp2, constants, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { upgradeHead } from './heads.js';
import { type Address, RawClient } from './raw-client.js';

export interface FaultClient {
  /** Of the final answer's head. Throws when there is none. */
  status(): Promise<number>;
  send(bytes: string): void;
  /** Ends its direction in order. */
  end(): void;
  /** RST of its connection, or of its stream. */
  reset(): void;
  /** Its connection ends without a word of TLS or HTTP. */
  leave(): void;
  /** How what it asked for has ended for it. */
  over(): Promise<'ended' | 'reset'>;
  close(): void;
}

export interface Asked {
  readonly to: Address;
  readonly ca: string;
  readonly path: string;
  readonly websocket: boolean;
  /** Of the body, of which `send` sends as much as the test wants. 0: a GET. */
  readonly length: number;
  readonly fields: readonly (readonly [string, string])[];
  /** Its own address, where that matters. */
  readonly from?: string;
}

async function tcpOf({ to, from }: Asked): Promise<Socket> {
  const tcp = connectTcp({ host: to.address, port: to.port, ...(from === undefined ? {} : { localAddress: from }) });
  tcp.on('error', () => undefined);
  await once(tcp, 'connect');
  return tcp;
}

function plainHead({ path, length, fields }: Asked): string {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const framing = length === 0 ? '' : `Content-Length: ${length}\r\n`;
  return `${length === 0 ? 'GET' : 'POST'} ${path} HTTP/1.1\r\nHost: localhost\r\n${framing}${lines}\r\n`;
}

export async function overHttp1(asked: Asked): Promise<FaultClient> {
  const tcp = await tcpOf(asked);
  const halfOpen = { allowHalfOpen: true }; // which the types do not know
  const tls = connectTls({ socket: tcp, servername: 'localhost', ca: asked.ca, ...halfOpen });
  await once(tls, 'secureConnect');
  const client = RawClient.over(tls);
  const add = [...asked.fields];
  await client.write(asked.websocket ? upgradeHead({ target: asked.path, host: 'localhost', add }) : plainHead(asked));
  return {
    status: async () => (await client.readHead()).status,
    send: (bytes) => tls.write(bytes),
    end: () => tls.end(),
    reset: () => tcp.resetAndDestroy(),
    leave: () => tcp.destroy(),
    over: async () => ((await client.outcome()) === 'fin' ? 'ended' : 'reset'),
    close: () => {
      tls.destroy();
      tcp.destroy();
    },
  };
}

function headersOf({ path, websocket, length, fields }: Asked): OutgoingHttpHeaders {
  const extended = {
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'https',
    'sec-websocket-version': '13',
  };
  const plain = { ':method': length === 0 ? 'GET' : 'POST', ...(length === 0 ? {} : { 'content-length': length }) };
  return { ...(websocket ? extended : plain), ':path': path, ':authority': 'localhost', ...Object.fromEntries(fields) };
}

export async function overHttp2(asked: Asked): Promise<FaultClient> {
  const tcp = await tcpOf(asked);
  const tls = connectTls({ socket: tcp, servername: 'localhost', ca: asked.ca, ALPNProtocols: ['h2'] });
  tls.on('error', () => undefined);
  const session = connectHttp2('https://localhost', { createConnection: () => tls });
  session.on('error', () => undefined);
  await once(session, 'remoteSettings');
  const stream: ClientHttp2Stream = session.request(headersOf(asked), {
    endStream: !asked.websocket && asked.length === 0,
  });
  stream.on('error', () => undefined);
  const answered = once(stream, 'response') as Promise<[{ ':status'?: number }]>;
  answered.catch(() => undefined);
  let ended = false;
  stream.on('end', () => {
    ended = true;
  });
  const closed = new Promise<'ended' | 'reset'>((resolve) => {
    const inOrder = () => ended && stream.rstCode === constants.NGHTTP2_NO_ERROR;
    stream.once('close', () => resolve(inOrder() ? 'ended' : 'reset'));
  });
  const unanswered = async (): Promise<never> => {
    throw new Error(`no answer: ${await closed}`);
  };
  return {
    status: async () => {
      const [headers] = await Promise.race([answered, unanswered()]);
      const status = headers[':status'] ?? 0;
      stream.resume();
      return status;
    },
    send: (bytes) => stream.write(bytes),
    end: () => stream.end(),
    // RST_STREAM (CANCEL) alone: `close` would send END_STREAM in front of it.
    reset: () => void addAbortSignal(AbortSignal.abort(), stream),
    leave: () => tcp.destroy(),
    over: () => closed,
    close: () => {
      session.destroy();
      tcp.destroy();
    },
  };
}
