/**
 * The stream path: plain requests on plaintext connections, through Node's HTTP stack.
 *
 * The engine reads the first request of a connection as it reads every other; a plain one brings its socket here, with all
 * that was read. From then on the connection is Node's, until it ends or a request on it asks for an upgrade: then it goes
 * back to the engine. Requests of a connection are answered one after the other.
 *
 * Invariant: the engine is told once of each connection's end, so that it is counted as long as its socket is open.
 * Connections end with their worker. Worker thread.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { hostPort } from '@sluice/shared/snapshot/endpoint-key';
import type { ConnectionId } from '../engine/binding.js';
import type { RequestEvent } from '../engine/events.js';
import { HEAD_LIMITS } from '../policy/head.js';
import { httpDate, type RefusalCode, refusalBytes, refuse } from '../policy/refusal.js';
import { createPending, type PlainAttempt } from '../worker/connection-record.js';
import { Answers } from '../worker/handshake-answers.js';
import { BackendLessons } from '../worker/handshake-backend.js';
import type { Configuration, HandshakeContext, PlainRequests } from '../worker/handshake-context.js';
import { Exchange } from './exchange.js';
import { requestText } from './heads.js';
import { Pools } from './pools.js';
import type { Peer, StreamCalls, StreamScene } from './scene.js';
import { recordLine } from './stream-record.js';

/** Requests of one connection that may wait for the one before them. */
const WAITING_MAX = 32;
/** How often Node looks for heads that are late. */
const CHECK_MS = 1000;

interface Message {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly expects: boolean;
}

/** A client's connection. */
interface StreamClient extends Peer {
  readonly socket: Socket;
  /** Of the request that it came with; 0 once that has begun. */
  firstHeadBytes: number;
  /** The request that is being answered, and those behind it. */
  current: Exchange | undefined;
  readonly waiting: Message[];
  /** The engine knows that it is over, or has it back. */
  released: boolean;
}

export interface StreamOptions {
  readonly context: HandshakeContext;
  readonly calls: StreamCalls;
  readonly configuration: Configuration;
}

export class StreamPath implements PlainRequests {
  readonly #context: HandshakeContext;
  readonly #calls: StreamCalls;
  readonly #server: Server;
  readonly #pools: Pools;
  readonly #scene: StreamScene & { configuration: Configuration; draining: boolean };
  readonly #clients = new Map<ConnectionId, StreamClient>();
  readonly #sockets = new Map<Duplex, StreamClient>();

  constructor({ context, calls, configuration }: StreamOptions) {
    const { headBytesMax } = context.limits;
    this.#context = context;
    this.#calls = calls;
    this.#pools = new Pools(headBytesMax);
    this.#scene = {
      context,
      calls,
      answers: new Answers(context),
      lessons: new BackendLessons(context),
      pools: this.#pools,
      headLimits: { ...HEAD_LIMITS, headBytesMax },
      configuration,
      draining: false,
    };
    this.#server = this.#createServer();
    openReserve();
  }

  get isFull(): boolean {
    return this.#clients.size >= this.#context.limits.streamConnectionsMax;
  }

  /** Connections here. */
  get size(): number {
    return this.#clients.size;
  }

  /** New requests go by this configuration from now on; those under way end by theirs. */
  update(configuration: Configuration): void {
    this.#scene.configuration = configuration;
  }

  /** These endpoints are all that there are. */
  keepEndpoints(endpoints: ReadonlySet<string>): void {
    this.#pools.keep(endpoints);
  }

  take(event: RequestEvent, group: number): void {
    const detached = this.#calls.detachClient(event.id, group);
    if (detached === undefined) return; // the client has left: `ended` follows
    const socket = new Socket({ fd: detached.fd, readable: true, writable: true, allowHalfOpen: true });
    const client: StreamClient = {
      id: event.id,
      listenerTag: event.listener,
      clientAddress: event.clientAddress,
      clientIp: hostPort(event.clientAddress, event.clientPort),
      bytesUp: 0,
      bytesDown: 0,
      closing: false,
      socket,
      firstHeadBytes: event.head.length,
      current: undefined,
      waiting: [],
      released: false,
    };
    this.#clients.set(event.id, client);
    this.#sockets.set(socket, client);
    socket.on('error', () => {});
    socket.once('close', () => this.#onClosed(client));
    socket.setNoDelay(true);
    socket.unshift(Buffer.concat([Buffer.from(event.head, 'latin1'), detached.early]));
    this.#server.emit('connection', socket);
  }

  ended(id: ConnectionId): void {
    const client = this.#clients.get(id);
    if (client === undefined) return;
    client.released = true;
    client.current?.end('drain-timeout');
    client.socket.destroy();
  }

  /** No connection is kept for another request from now on; requests under way go on. */
  drain(): void {
    this.#scene.draining = true;
    this.#server.closeIdleConnections();
  }

  /** Ends everything at once. */
  close(): void {
    for (const { current, socket } of [...this.#clients.values()]) {
      current?.end('worker-lost');
      socket.destroy();
    }
    this.#server.close();
    this.#pools.destroy();
  }

  #createServer(): Server {
    const { headBytesMax, requestHeadTimeoutMs, httpIdleTimeoutMs } = this.#context.limits;
    const server = createServer({
      maxHeaderSize: headBytesMax,
      insecureHTTPParser: false,
      requireHostHeader: false, // the policy's own parser asks for it, and says so
      headersTimeout: requestHeadTimeoutMs,
      requestTimeout: 0, // bodies: the limit of an idle stream
      keepAliveTimeout: httpIdleTimeoutMs,
      connectionsCheckingInterval: CHECK_MS,
    });
    server.maxHeadersCount = 0; // bounded by their bytes, and by the policy
    server.on('request', (request, response) => this.#onRequest({ request, response, expects: false }));
    server.on('checkContinue', (request, response) => this.#onRequest({ request, response, expects: true }));
    server.on('upgrade', (request, socket, early) => this.#onUpgrade(request, socket, early));
    server.on('clientError', (error, socket) => this.#onClientError(error, socket));
    // Node looks for late heads only once a server listens; this one never does.
    server.emit('listening');
    return server;
  }

  #onRequest(message: Message): void {
    const client = this.#sockets.get(message.request.socket);
    if (client === undefined || client.waiting.length >= WAITING_MAX) {
      message.request.socket.destroy();
      return;
    }
    if (client.closing) return;
    client.waiting.push(message);
    if (client.current === undefined) this.#next(client);
  }

  #next(client: StreamClient): void {
    if (client.closing) client.waiting.length = 0;
    const message = client.waiting.shift();
    client.current = undefined;
    if (message === undefined) {
      if (this.#scene.draining) setImmediate(() => this.#server.closeIdleConnections());
      return;
    }
    const { firstHeadBytes } = client;
    client.firstHeadBytes = 0;
    const exchange = new Exchange(this.#scene, client, message, firstHeadBytes, () => this.#next(client));
    client.current = exchange;
    try {
      exchange.start(firstHeadBytes);
    } catch (error) {
      this.#context.onError(error);
      exchange.refuse(refuse('internal'));
    }
  }

  /** Gives the connection back to the engine, with the request as it came. */
  #onUpgrade(request: IncomingMessage, socket: Duplex, early: Buffer): void {
    const client = this.#sockets.get(socket);
    const fd = descriptorOf(socket);
    const idle = client !== undefined && !client.closing && client.current === undefined && socket.writableLength === 0;
    if (client !== undefined && idle && fd >= 0) {
      const bytes = Buffer.concat([Buffer.from(requestText(request), 'latin1'), early]);
      client.released = this.#calls.attachClient(client.id, fd, bytes);
    }
    socket.destroy();
  }

  /** What Node's parser does not take, and heads that are late. */
  #onClientError(error: Error, socket: Duplex): void {
    const client = this.#sockets.get(socket);
    const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
    if (client?.closing === true && code !== 'ECONNRESET') return; // its answer is on the way, and the end behind it
    if (client === undefined || client.current !== undefined || !socket.writable || code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    this.#refuse(client, parserRefusal(code));
  }

  /** An answer to something that is no request. */
  #refuse(client: StreamClient, code: RefusalCode): void {
    const refusal = refuse(code);
    const pending = createPending<PlainAttempt>(this.#scene.configuration, client.listenerTag, '', 0);
    const { answers } = this.#scene;
    const text = refusalBytes(refusal, '', httpDate(Date.now()));
    const responseHeaderBytes = text.indexOf('\r\n\r\n') + 4;
    const responseBodyBytes = text.length - responseHeaderBytes;
    client.bytesDown += responseBodyBytes;
    this.#context.meters?.answered(answers.group(pending, -1), refusal.status);
    if (this.#context.accessLog) {
      const outcome = { status: refusal.status, responseHeaderBytes, refusal: code, refusalReason: '' };
      const fields = answers.fields(pending, outcome);
      const times = { nowMs: Date.now(), backendTimeTakenMs: undefined, timeTakenMs: 0 };
      const { clientIp } = client;
      const bytes = { requestBodyBytes: 0, responseBodyBytes };
      this.#calls.logLine(recordLine({ ...times, ...bytes, clientIp, fields, closeReason: 'refused' }));
    }
    client.socket.end(text, 'latin1', () => client.socket.destroy());
  }

  #onClosed(client: StreamClient): void {
    this.#clients.delete(client.id);
    this.#sockets.delete(client.socket);
    client.waiting.length = 0;
    client.current?.end('');
    if (client.released) return;
    client.released = true;
    this.#calls.clientClosed(client.id, 'client-closed', client.bytesUp, client.bytesDown);
  }
}

function parserRefusal(code: string): RefusalCode {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request-timeout';
  if (code === 'HPE_HEADER_OVERFLOW') return 'header-too-large';
  if (code === 'HPE_INVALID_METHOD' || code === 'HPE_INVALID_URL') return 'malformed-request-line';
  return code === 'HPE_INVALID_VERSION' ? 'version-not-supported' : 'malformed-header';
}

/**
 * libuv opens a descriptor of reserve with the first stream of a thread and keeps it: at the start, so that it is there
 * when descriptors are short. Nobody listens at this path.
 */
function openReserve(): void {
  connect({ path: '/dev/null' }).on('error', () => {});
}

/** -1: it has none. Node has no public way to a socket's descriptor. */
function descriptorOf(socket: Duplex): number {
  const { _handle: handle } = socket as Duplex & { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd ?? -1;
}
