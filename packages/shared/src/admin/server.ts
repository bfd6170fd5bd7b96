/**
 * The admin port of a process: a table of routes over plain HTTP, for probes, scrapers and operators, never for clients
 * of the gateway.
 *
 * Every limit of the server is set; whatever fails here stays here: a handler that throws or rejects answers 500. An
 * answer is written once and ends its connection. Main thread of its process.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { HostPort } from '../cli/option-values.js';
import type { Logger } from '../log.js';
import { bindError } from './bind-error.js';

export interface AdminAnswer {
  readonly status: number;
  readonly body: string;
  /** Media type; plain text without it. */
  readonly contentType?: string;
}

export interface AdminRoute {
  /** GET takes HEAD too. */
  readonly method: 'GET' | 'POST';
  /** The whole path; one that ends in `/` takes everything below it. */
  readonly path: string;
  /** One line for the list of paths at `/`; without it the path is not listed. */
  readonly summary?: string;
  readonly handle: (url: URL) => AdminAnswer | Promise<AdminAnswer>;
}

export interface AdminOptions {
  readonly at: HostPort;
  /** Name of the program in messages: `sluice`. */
  readonly program: string;
  readonly log: Logger;
  readonly routes: readonly AdminRoute[];
}

export interface Admin {
  readonly address: string;
  readonly port: number;
  /** Idempotent. */
  close(): Promise<void>;
}

/** For a request to be there as a whole. */
const TIMEOUT_MS = 1000;
/** From there on, without a byte more of the answer taken: a page may take a while to make, and a scraper be far away. */
const ANSWER_TIMEOUT_MS = 10_000;
const CHECK_INTERVAL_MS = 250;
const CONNECTIONS_MAX = 64;
const PLAIN_TEXT = 'text/plain; charset=utf-8';

/** A line of text. */
export function textAnswer(status: number, text: string): AdminAnswer {
  return { status, body: `${text}\n` };
}

export function jsonAnswer(status: number, value: unknown): AdminAnswer {
  return { status, body: `${JSON.stringify(value)}\n`, contentType: 'application/json; charset=utf-8' };
}

function parseUrl(target: string): URL | undefined {
  return URL.canParse(target, 'http://admin') ? new URL(target, 'http://admin') : undefined;
}

function takes(route: AdminRoute, path: string): boolean {
  return path === route.path || (route.path.length > 1 && route.path.endsWith('/') && path.startsWith(route.path));
}

function methodsOf(route: AdminRoute): readonly string[] {
  return route.method === 'GET' ? ['GET', 'HEAD'] : [route.method];
}

/** What is to be had here, at `/`. */
function listing(routes: readonly AdminRoute[]): AdminAnswer {
  const listed = routes.filter(({ summary }) => summary !== undefined);
  return textAnswer(200, listed.map(({ method, path, summary }) => `${method} ${path}  ${summary}`).join('\n'));
}

function send(request: IncomingMessage, response: ServerResponse, answer: AdminAnswer, allow: readonly string[]): void {
  response.writeHead(answer.status, {
    'Content-Type': answer.contentType ?? PLAIN_TEXT,
    'Content-Length': Buffer.byteLength(answer.body),
    'Cache-Control': 'no-store',
    Connection: 'close',
    ...(allow.length === 0 ? {} : { Allow: allow.join(', ') }),
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

async function answer(request: IncomingMessage, response: ServerResponse, routes: readonly AdminRoute[]) {
  const url = parseUrl(request.url ?? '/');
  const found = url === undefined ? [] : routes.filter((route) => takes(route, url.pathname));
  const route = found.find((each) => methodsOf(each).includes(request.method ?? ''));
  if (url === undefined || found.length === 0) send(request, response, textAnswer(404, 'not found'), []);
  else if (route === undefined) {
    send(request, response, textAnswer(405, 'method not allowed'), found.flatMap(methodsOf));
  } else send(request, response, await route.handle(url), []);
}

/** At the limit the oldest connection goes, not the new one: silent clients must not keep a probe out. */
function limitConnections(server: Server): void {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    const [oldest] = sockets;
    if (sockets.size > CONNECTIONS_MAX) oldest?.destroy();
  });
}

function createAdminServer({ log, routes }: AdminOptions): Server {
  const table: readonly AdminRoute[] = [...routes, { method: 'GET', path: '/', handle: () => listing(routes) }];
  const server = createServer({
    requestTimeout: TIMEOUT_MS,
    headersTimeout: TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
  });
  server.setTimeout(TIMEOUT_MS);
  limitConnections(server);
  server.on('request', (request, response) => {
    request.resume();
    request.socket.setTimeout(ANSWER_TIMEOUT_MS);
    answer(request, response, table).catch((error: unknown) => {
      log.error({ err: error, path: request.url }, 'admin request failed');
      if (response.headersSent) response.destroy();
      else send(request, response, textAnswer(500, 'internal error; the log says which'), []);
    });
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  return server;
}

/** Starts the admin port. Rejects with ExitError when it cannot be bound. */
export function startAdminServer(options: AdminOptions): Promise<Admin> {
  const server = createAdminServer(options);
  const { at, log, program } = options;
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(bindError(program, error, at, 'choose another with --admin ADDR:PORT')));
    server.listen(at.port, at.address, () => {
      server.removeAllListeners('error');
      server.on('error', (error) => log.error({ err: error }, 'admin server error'));
      const { address, port } = server.address() as AddressInfo;
      resolve({ address, port, close: () => closeServer(server) });
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
