/**
 * A backend of plain requests: Node's own server, which does what the path asks for and keeps what it received.
 *
 * `/echo` gives back method, target, fields and body as JSON; the other paths are faults and shapes of answers.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { eventually } from './eventually.js';
import type { Address } from './raw-client.js';

export interface Echoed {
  readonly method: string;
  readonly url: string;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** The first value of a field that the backend received; `name` in lower case. */
export function echoedField({ rawHeaders }: Echoed, name: string): string | undefined {
  const at = rawHeaders.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === name);
  return at < 0 ? undefined : rawHeaders[at + 1];
}

export const LARGE_BYTES = 8 * 1024 * 1024;
type Behaviour = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

const behaviours: Readonly<Record<string, Behaviour>> = {
  '/echo': async (request, response) => {
    const { method = '', url = '', rawHeaders } = request;
    const body = (await bodyOf(request)).toString('latin1');
    response.setHeader('endpoint-load-metrics', 'cpu_utilization=0.3');
    response.setHeader('set-cookie', ['a=1', 'b=2']);
    response.end(JSON.stringify({ method, url, rawHeaders, body } satisfies Echoed));
  },
  '/mirror': (request, response) => {
    response.writeHead(200);
    response.flushHeaders();
    request.pipe(response);
  },
  '/large': (_request, response) => {
    response.writeHead(200, { 'Content-Length': LARGE_BYTES });
    response.end(Buffer.alloc(LARGE_BYTES, 'x'));
  },
  '/trailers': (_request, response) => {
    response.writeHead(200, { Trailer: 'X-Sum' });
    response.write('body');
    response.addTrailers({ 'X-Sum': '42', 'Set-Cookie': 'no=1' });
    response.end();
  },
  '/gzip': (_request, response) => {
    response.writeHead(200, { 'Content-Encoding': 'gzip' });
    response.end(gzipSync('compressed '.repeat(10_000)));
  },
  '/events': (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.flushHeaders();
  },
  '/hints': (_request, response) => {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' }, () => response.end('hinted'));
  },
  '/reset': (request) => {
    request.socket.resetAndDestroy();
  },
  '/cut': (request, response) => {
    response.writeHead(200, { 'Content-Length': '100' });
    response.write('half', () => request.socket.destroy());
  },
  '/early': (_request, response) => {
    response.writeHead(413).end('too much');
  },
  '/twice': (_request, response) => {
    response.writeHead(200, ['Age', '1', 'Age', '2', 'X-A', '1', 'X-A', '2', 'Content-Length', '0']).end();
  },
  '/stall': () => {},
  '/empty': (_request, response) => {
    response.writeHead(204).end();
  },
  '/reset-content': (_request, response) => {
    response.writeHead(205, { 'Content-Length': '4' }).end('none');
  },
  '/not-modified': (_request, response) => {
    response.writeHead(304, { ETag: '"1"' }).end();
  },
};

export class HttpBackend implements Address {
  requests = 0;
  connections = 0;
  /** Answers that have not ended, by path: to write more of them, or to see them aborted. */
  readonly open = new Map<string, ServerResponse>();
  /** Requests that the other side gave up, by path. */
  readonly aborted = new Set<string>();

  private constructor(
    readonly server: Server | SecureServer,
    readonly address: string,
    readonly port: number,
    secure: boolean,
  ) {
    server.on(secure ? 'secureConnection' : 'connection', () => {
      this.connections += 1;
    });
    server.on('request', (request, response) => this.#onRequest(request, response));
    server.on('checkContinue', (request, response) => this.#onRequest(request, response));
  }

  /** `tls`: with it, over TLS. */
  static async start(tls?: ServerOptions): Promise<HttpBackend> {
    const keepAlive = { keepAliveTimeout: 4_000 };
    const server = tls === undefined ? createServer(keepAlive) : createSecureServer({ ...keepAlive, ...tls });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { address, port } = server.address() as AddressInfo;
    return new HttpBackend(server, address, port, tls !== undefined);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    this.requests += 1;
    const path = (request.url ?? '').split('?')[0] ?? '';
    this.open.set(path, response);
    response.on('close', () => {
      if (!response.writableFinished) {
        this.aborted.add(path);
      }
      if (this.open.get(path) === response) {
        this.open.delete(path);
      }
    });
    request.on('error', () => undefined);
    const behave = behaviours[path] ?? (behaviours['/echo'] as Behaviour);
    Promise.resolve(behave(request, response)).catch(() => response.destroy());
  }

  /** The answer to this path that has not ended; waits for it. */
  async answering(path: string): Promise<ServerResponse> {
    return await eventually(() => {
      const response = this.open.get(path);
      if (!response) {
        throw new Error(`nothing is answering ${path}`);
      }
      return response;
    });
  }

  /** Ends the kept-alive connections of gateways, which would be open for some seconds more. */
  closeIdle(): void {
    this.server.closeIdleConnections();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }
}
