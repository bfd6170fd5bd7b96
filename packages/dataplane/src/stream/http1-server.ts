/**
 * HTTP/1.1 over connections of the stream path, through Node's HTTP server: requests of a connection are answered one
 * after the other, and an upgrade takes the connection back to the engine.
 *
 * Invariant: limits of heads and of idle connections hold as for connections that the engine has, and what is no request
 * gets an answer that says so. Worker thread.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { httpDate, type RefusalCode, refusalBytes, refuse } from '../policy/refusal.js';
import { createPending, type PlainAttempt } from '../worker/connection-record.js';
import { Exchange } from './exchange.js';
import { upgradeText } from './heads.js';
import { type Http1Message, Http1Request } from './http1-request.js';
import { linger, lingerAtEnd } from './linger.js';
import type { StreamScene } from './scene.js';
import type { HttpServer, StreamConnection } from './stream-connection.js';
import { recordLine } from './stream-record.js';

/** Requests of one connection that may wait for the one before them. */
const WAITING_MAX = 32;
/** How often Node looks for heads that are late. */
const CHECK_MS = 1000;

interface Client {
  readonly connection: StreamConnection;
  /** Of the request that it came with; 0 once that has begun. */
  firstHeadBytes: number;
  /** The request that is being answered, and those behind it. */
  current: Exchange | undefined;
  readonly waiting: Http1Message[];
  /** The connection ends with an answer that has begun: what the client sent behind that request is not looked at. */
  closing: boolean;
}

export class Http1Server implements HttpServer {
  readonly #scene: StreamScene;
  readonly #server: Server;
  readonly #clients = new Map<Duplex, Client>();

  constructor(scene: StreamScene) {
    this.#scene = scene;
    this.#server = this.#createServer();
  }

  take(connection: StreamConnection, headBytes: number): void {
    const { socket } = connection;
    const client = { connection, firstHeadBytes: headBytes, current: undefined, waiting: [], closing: false };
    this.#clients.set(socket, client);
    lingerAtEnd(socket);
    this.#server.emit('connection', socket);
  }

  ended({ socket }: StreamConnection, closeReason: string): void {
    const client = this.#clients.get(socket);
    if (client === undefined) return;
    this.#clients.delete(socket);
    client.waiting.length = 0;
    client.current?.end(closeReason);
  }

  drain(): void {
    this.#server.closeIdleConnections();
  }

  close(): void {
    this.#server.close();
  }

  #createServer(): Server {
    const { headBytesMax, requestHeadTimeoutMs, httpIdleTimeoutMs } = this.#scene.context.limits;
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
    // Another expectation: nothing that the gateway would know to meet; it may pass it over (RFC 9110 10.1.1).
    server.on('checkExpectation', (request, response) => this.#onRequest({ request, response, expects: false }));
    server.on('upgrade', (request, socket, early) => this.#onUpgrade(request, socket, early));
    server.on('clientError', (error, socket) => this.#onClientError(error, socket));
    // Node looks for late heads only once a server listens; this one never does.
    server.emit('listening');
    return server;
  }

  #onRequest(message: Http1Message): void {
    const client = this.#clients.get(message.request.socket);
    if (client === undefined || client.waiting.length >= WAITING_MAX) {
      message.request.socket.destroy();
      return;
    }
    if (client.closing) return;
    client.waiting.push(message);
    if (client.current === undefined) this.#next(client);
  }

  #next(client: Client): void {
    if (client.closing) client.waiting.length = 0;
    const message = client.waiting.shift();
    client.current = undefined;
    if (message === undefined) {
      if (this.#scene.draining) setImmediate(() => this.#server.closeIdleConnections());
      return;
    }
    const { connection, firstHeadBytes } = client;
    const onLast = () => {
      client.closing = true;
    };
    const request = new Http1Request(message, firstHeadBytes, onLast, () => this.#reset(connection));
    client.firstHeadBytes = 0;
    const exchange = new Exchange(this.#scene, client.connection, request, () => this.#next(client));
    client.current = exchange;
    exchange.start();
  }

  #reset({ id, socket, tls }: StreamConnection): void {
    if (tls === null) socket.resetAndDestroy();
    else this.#scene.calls.resetClient(id);
  }

  /** Gives the connection back to the engine, with the request; one that only offers h2c comes again, without the offer. */
  #onUpgrade(request: IncomingMessage, socket: Duplex, early: Buffer): void {
    const client = this.#clients.get(socket);
    const fd = descriptorOf(socket);
    const idle = client !== undefined && !client.closing && client.current === undefined && socket.writableLength === 0;
    if (client !== undefined && idle && fd >= 0) {
      const behind: Buffer | null = socket.readableLength > 0 ? socket.read() : null;
      const bytes = Buffer.concat([Buffer.from(upgradeText(request), 'latin1'), early, behind ?? Buffer.alloc(0)]);
      client.connection.released = this.#scene.calls.attachClient(client.connection.id, fd, bytes);
    }
    socket.destroy();
  }

  /** What Node's parser does not take, and heads that are late. */
  #onClientError(error: Error, socket: Duplex): void {
    const client = this.#clients.get(socket);
    const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
    if (client?.closing === true && code !== 'ECONNRESET') return; // its answer is on the way, and the end behind it
    if (client === undefined || client.current !== undefined || !socket.writable || code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    this.#refuse(client, parserRefusal(code));
  }

  /** An answer to something that is no request. */
  #refuse(client: Client, code: RefusalCode): void {
    const { connection } = client;
    client.closing = true;
    const refusal = refuse(code);
    const { answers, calls, configuration, context } = this.#scene;
    const pending = createPending<PlainAttempt>(configuration, connection.listenerTag, '', 0);
    pending.tls = connection.tls;
    const text = refusalBytes(refusal, '', httpDate(Date.now()));
    const responseHeaderBytes = text.indexOf('\r\n\r\n') + 4;
    const responseBodyBytes = text.length - responseHeaderBytes;
    connection.bytesDown += responseBodyBytes;
    context.meters?.answered(answers.group(pending, -1), refusal.status);
    if (context.accessLog) {
      const outcome = { status: refusal.status, responseHeaderBytes, refusal: code, refusalReason: '' };
      const fields = answers.fields(pending, outcome);
      const times = { nowMs: Date.now(), backendTimeTakenMs: undefined, timeTakenMs: 0 };
      const { clientIp } = connection;
      const bytes = { requestBodyBytes: 0, responseBodyBytes };
      calls.logLine(recordLine({ ...times, ...bytes, clientIp, fields, closeReason: 'refused' }));
    }
    connection.socket.write(text, 'latin1');
    linger(connection.socket);
  }
}

function parserRefusal(code: string): RefusalCode {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request-timeout';
  if (code === 'HPE_HEADER_OVERFLOW') return 'header-too-large';
  if (code === 'HPE_INVALID_METHOD' || code === 'HPE_INVALID_URL') return 'malformed-request-line';
  return code === 'HPE_INVALID_VERSION' ? 'version-not-supported' : 'malformed-header';
}

/** -1: it has none. Node has no public way to a socket's descriptor. */
function descriptorOf(socket: Duplex): number {
  const { _handle: handle } = socket as Duplex & { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd ?? -1;
}
