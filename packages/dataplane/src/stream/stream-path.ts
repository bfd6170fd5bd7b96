/**
 * The stream path: connections whose requests ask for no upgrade, through Node's HTTP stack.
 *
 * The engine reads the first request of a connection as it reads every other; a plain one brings its connection here, with
 * all that was read. From then on it is Node's, until it ends or a request on it asks for an upgrade: then it goes back to
 * the engine.
 *
 * Invariant: the engine is told once of each connection's end, so that it is counted as long as its socket is open.
 * Connections end with their worker. Worker thread.
 */
import { connect, Socket } from 'node:net';
import { hostPort } from '@sluice/shared/snapshot/endpoint-key';
import type { ConnectionId } from '../engine/binding.js';
import type { RequestEvent } from '../engine/events.js';
import type { ClientTls } from '../engine/tls-info.js';
import { HEAD_LIMITS } from '../policy/head.js';
import { HTTP2_PREFACE } from '../policy/http2-preface.js';
import { isRefusal } from '../policy/refusal.js';
import { Answers } from '../worker/handshake-answers.js';
import { BackendLessons } from '../worker/handshake-backend.js';
import {
  backendPolicies,
  type Configuration,
  type HandshakeContext,
  type PlainRequests,
} from '../worker/handshake-context.js';
import { Endings } from './endings.js';
import { Http1Server } from './http1-server.js';
import { Http2Server } from './http2-server.js';
import { Pools } from './pools.js';
import type { StreamCalls, StreamScene } from './scene.js';
import type { HttpServer, StreamConnection } from './stream-connection.js';
import { WebSockets } from './websockets.js';

/** Ends that the gateway makes; others are the client's, which has left. */
const ORDERED: ReadonlySet<string> = new Set(['drain-timeout', 'worker-lost']);

export interface StreamOptions {
  readonly context: HandshakeContext;
  readonly calls: StreamCalls;
  readonly configuration: Configuration;
}

export class StreamPath implements PlainRequests {
  readonly #context: HandshakeContext;
  readonly #calls: StreamCalls;
  readonly #pools: Pools;
  readonly #scene: StreamScene & { configuration: Configuration; draining: boolean };
  readonly #http1: HttpServer;
  readonly #webSockets: WebSockets;
  readonly #http2: Http2Server;
  readonly endings: Endings;
  readonly #connections = new Map<ConnectionId, StreamConnection>();

  constructor({ context, calls, configuration }: StreamOptions) {
    const { headBytesMax } = context.limits;
    this.#context = context;
    this.#calls = calls;
    this.#pools = new Pools(headBytesMax);
    this.endings = new Endings(context.random);
    this.#scene = {
      context,
      calls,
      answers: new Answers(context),
      lessons: new BackendLessons(context),
      pools: this.#pools,
      endings: this.endings,
      headLimits: { ...HEAD_LIMITS, headBytesMax },
      configuration,
      draining: false,
    };
    this.#http1 = new Http1Server(this.#scene);
    this.#webSockets = new WebSockets(this.#scene);
    this.#http2 = new Http2Server(this.#scene, this.#webSockets);
    openReserve();
  }

  get isFull(): boolean {
    return this.#connections.size >= this.#context.limits.streamConnectionsMax;
  }

  /** New requests go by this configuration from now on; those under way end by theirs. */
  update(configuration: Configuration): void {
    this.#scene.configuration = configuration;
    this.#pools.keepPolicies(backendPolicies(configuration));
    this.#http2.update();
  }

  /** These endpoints are all that there are. */
  keepEndpoints(endpoints: ReadonlySet<string>): void {
    this.#pools.keep(endpoints);
  }

  take(event: RequestEvent, group: number): boolean {
    const detached = this.#calls.detachClient(event.id, group);
    if (detached === undefined) return false;
    const socket = new Socket({ fd: detached.fd, readable: true, writable: true, allowHalfOpen: true });
    const connection: StreamConnection = {
      id: event.id,
      listenerTag: event.listener,
      clientAddress: event.clientAddress,
      clientIp: hostPort(event.clientAddress, event.clientPort),
      tls: event.tls === null ? null : this.#lasting(event.tls, event.listener),
      bytesUp: 0,
      bytesDown: 0,
      tunnelledUp: 0,
      tunnelledDown: 0,
      socket,
      released: false,
      closeReason: '',
    };
    this.#connections.set(event.id, connection);
    socket.on('error', () => {});
    const server = event.head === HTTP2_PREFACE ? this.#http2 : this.#http1;
    socket.once('close', () => this.#onClosed(connection, server));
    socket.setNoDelay(true);
    socket.unshift(Buffer.concat([Buffer.from(event.head, 'latin1'), detached.early]));
    server.take(connection, event.head.length);
    return true;
  }

  carrierOf(id: ConnectionId): StreamConnection | undefined {
    return this.#webSockets.connectionOf(id);
  }

  ended(id: ConnectionId, reason: number): void {
    this.#webSockets.ended(id, reason);
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    const text = this.#calls.closeReason(reason);
    this.#tell(connection, ORDERED.has(text) ? text : '');
    this.#release(connection);
    connection.socket.destroy();
  }

  drain(): void {
    this.#scene.draining = true;
    this.#http1.drain();
    this.#http2.drain();
  }

  /** Ends everything at once. */
  close(): void {
    for (const connection of [...this.#connections.values()]) {
      this.#tell(connection, 'worker-lost');
      connection.socket.destroy();
    }
    this.#webSockets.close();
    this.#http1.close();
    this.#http2.close();
    this.#pools.destroy();
  }

  /** With what later requests of the connection need to know of its handshake. */
  #lasting(tls: ClientTls, listenerTag: number): ClientTls {
    const { ports, router, snapshot } = this.#scene.configuration;
    const listener = router.listener(ports[listenerTag]?.listeners ?? [], tls.serverName);
    const info = isRefusal(listener) ? undefined : snapshot.listener(listener);
    return { ...tls, verifiedBy: info?.tls?.clientAuth?.authority ?? '' };
  }

  /** One of the two has it. */
  #tell(connection: StreamConnection, closeReason: string): void {
    this.#http1.ended(connection, closeReason);
    this.#http2.ended(connection, closeReason);
  }

  #onClosed(connection: StreamConnection, server: HttpServer): void {
    this.#connections.delete(connection.id);
    server.ended(connection, '');
    this.#release(connection);
  }

  #release(connection: StreamConnection): void {
    if (connection.released) return;
    connection.released = true;
    const { id, closeReason, bytesUp, bytesDown } = connection;
    this.#calls.clientClosed(id, closeReason === '' ? 'client-closed' : closeReason, bytesUp, bytesDown);
  }
}

/**
 * libuv opens a descriptor of reserve with the first stream of a thread and keeps it: at the start, so that it is there
 * when descriptors are short. Nobody listens at this path.
 */
function openReserve(): void {
  connect({ path: '/dev/null' }).on('error', () => {});
}
