/**
 * The admin port: is the process alive, is it ready; with SLUICE_FAULTS=1 also the injection of faults.
 *
 * Plain HTTP for probes and operators, never for clients of the gateway; every limit of the server is set. Whatever
 * fails here stays here. Primary thread.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { HostPort } from '@sluice/shared/cli/option-values';
import type { Logger } from '@sluice/shared/log';
import { FAULTS, type Fault } from '../worker/messages.js';
import { bindError } from './listeners.js';

export interface AdminOptions {
  readonly at: HostPort;
  readonly log: Logger;
  /** Why the process is not ready; empty when it is. */
  readonly reasons: () => readonly string[];
  /** Injects a fault, false when there is no such worker; undefined when faults are not enabled. */
  readonly fault: ((worker: number, fault: Fault) => boolean) | undefined;
}

export interface Admin {
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly allow?: string;
}

const TIMEOUT_MS = 1000;
const CHECK_INTERVAL_MS = 250;
const CONNECTIONS_MAX = 64;
const NOT_FOUND: Answer = { status: 404, text: 'not found' };

function onlyFor(method: string | undefined, allowed: readonly string[], answer: () => Answer): Answer {
  if (method !== undefined && allowed.includes(method)) return answer();
  return { status: 405, text: 'method not allowed', allow: allowed.join(', ') };
}

function readiness(reasons: readonly string[]): Answer {
  return reasons.length === 0 ? { status: 200, text: 'ready' } : { status: 503, text: reasons.join('\n') };
}

function isFault(name: string): name is Fault {
  return (FAULTS as readonly string[]).includes(name);
}

/** An exception that nothing catches, outside of any request. */
function throwHere(): Answer {
  setImmediate(() => {
    throw new Error('injected fault: throw');
  });
  return { status: 202, text: 'throw injected into the primary' };
}

function injection(url: URL, inject: NonNullable<AdminOptions['fault']>): Answer {
  const name = url.pathname.slice('/fault/'.length);
  const worker = url.searchParams.get('worker') ?? '0';
  if (!isFault(name)) return NOT_FOUND;
  if (worker === 'primary' && name === 'throw') return throwHere();
  if (!/^\d{1,3}$/.test(worker)) return { status: 400, text: 'worker must be a number' };
  if (!inject(Number(worker), name)) return { status: 409, text: `worker ${worker} is not alive` };
  return { status: 202, text: `${name} injected into worker ${worker}` };
}

function parseUrl(target: string): URL | undefined {
  return URL.canParse(target, 'http://admin') ? new URL(target, 'http://admin') : undefined;
}

function answerTo(request: IncomingMessage, options: AdminOptions): Answer {
  const url = parseUrl(request.url ?? '/');
  const { fault, reasons } = options;
  if (url === undefined) return NOT_FOUND;
  if (url.pathname === '/livez')
    return onlyFor(request.method, ['GET', 'HEAD'], () => ({ status: 200, text: 'alive' }));
  if (url.pathname === '/readyz') return onlyFor(request.method, ['GET', 'HEAD'], () => readiness(reasons()));
  if (fault === undefined || !url.pathname.startsWith('/fault/')) return NOT_FOUND;
  return onlyFor(request.method, ['POST'], () => injection(url, fault));
}

function send(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
    Connection: 'close',
    ...(answer.allow === undefined ? {} : { Allow: answer.allow }),
  });
  response.end(`${answer.text}\n`);
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

function createAdminServer(options: AdminOptions): Server {
  const server = createServer({
    requestTimeout: TIMEOUT_MS,
    headersTimeout: TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
  });
  server.setTimeout(TIMEOUT_MS);
  limitConnections(server);
  server.on('request', (request, response) => {
    request.resume();
    try {
      send(response, answerTo(request, options));
    } catch (error) {
      options.log.error({ err: error }, 'admin request failed');
      response.destroy();
    }
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  return server;
}

/** Starts the admin port. Rejects with ExitError when it cannot be bound. */
export function startAdmin(options: AdminOptions): Promise<Admin> {
  const server = createAdminServer(options);
  const { address, port } = options.at;
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(bindError(error, address, port, 'choose another with --admin ADDR:PORT')));
    server.listen(port, address, () => {
      server.removeAllListeners('error');
      server.on('error', (error) => options.log.error({ err: error }, 'admin server error'));
      const bound = server.address() as AddressInfo;
      resolve({ address: bound.address, port: bound.port, close: () => closeServer(server) });
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
