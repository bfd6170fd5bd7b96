/**
 * HTTP/2 over connections of the stream path: the sessions of a worker, and what holds for all of them.
 *
 * Invariant: requests of all connections together are bounded as connections are; a connection whose listener speaks no
 * HTTP/2 any more, or no WebSockets over it though it had offered them, takes no further request. Worker thread.
 */
import { http2Of } from '../policy/http2-preface.js';
import { Http2Session, type Http2Tunnels } from './http2-session.js';
import type { StreamScene } from './scene.js';
import type { HttpServer, StreamConnection } from './stream-connection.js';

/** How often is looked at what clients send. */
const CHECK_MS = 500;

export class Http2Server implements HttpServer {
  readonly #scene: StreamScene;
  readonly #tunnels: Http2Tunnels | undefined;
  readonly #sessions = new Map<StreamConnection, Http2Session>();
  #requests = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `tunnels`: where WebSockets go; without, no listener offers them. */
  constructor(scene: StreamScene, tunnels?: Http2Tunnels) {
    this.#scene = scene;
    this.#tunnels = tunnels;
  }

  take(connection: StreamConnection): void {
    const scene = this.#scene;
    scene.context.meters?.http2('sessions');
    const { websocketOverHttp2 } = http2Of(scene.configuration, connection.listenerTag, connection.tls);
    const tunnels = websocketOverHttp2 ? this.#tunnels : undefined;
    const session = new Http2Session({ scene, connection, tunnels, count: (change) => this.#count(change) });
    this.#sessions.set(connection, session);
    this.#timer ??= setInterval(() => this.#check(), CHECK_MS).unref();
  }

  ended(connection: StreamConnection, closeReason: string): void {
    const session = this.#sessions.get(connection);
    this.#sessions.delete(connection);
    session?.end(closeReason);
    if (this.#sessions.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The scene has another configuration. */
  update(): void {
    for (const [{ listenerTag, tls }, session] of this.#sessions) {
      const { http2, websocketOverHttp2 } = http2Of(this.#scene.configuration, listenerTag, tls);
      if (!http2 || (session.offersWebSockets && !websocketOverHttp2)) session.close();
    }
  }

  drain(): void {
    for (const session of this.#sessions.values()) session.close();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Requests of all connections; false: one more than there may be. */
  #count(change: 1 | -1): boolean {
    this.#requests += change;
    return this.#requests <= this.#scene.context.limits.streamConnectionsMax;
  }

  #check(): void {
    const nowMs = performance.now();
    for (const session of this.#sessions.values()) session.check(nowMs);
  }
}
