/**
 * WebSockets over HTTP/2 (RFC 8441), by stream: each is an inner client of the engine, which decides, connects, splices,
 * limits and records it as it does every other client that asks for an upgrade.
 *
 * Invariant: a tunnel that was opened is known here until its stream, its socket and the engine's connection are over.
 * Worker thread.
 */
import { randomBytes } from 'node:crypto';
import type { ConnectionId } from '../engine/binding.js';
import { certificateRefusal } from '../policy/client-tls.js';
import { refuse } from '../policy/refusal.js';
import { Exchange } from './exchange.js';
import type { Http2Request } from './http2-request.js';
import type { Http2Tunnels } from './http2-session.js';
import type { StreamScene } from './scene.js';
import type { StreamConnection } from './stream-connection.js';
import { Tunnel } from './tunnel.js';

interface Opened {
  readonly connection: StreamConnection;
  readonly tunnel: Tunnel;
}

export class WebSockets implements Http2Tunnels {
  readonly #scene: StreamScene;
  readonly #tunnels = new Map<ConnectionId, Opened>();

  constructor(scene: StreamScene) {
    this.#scene = scene;
  }

  /** The connection that an inner client came by; undefined: it is none. */
  connectionOf(id: ConnectionId): StreamConnection | undefined {
    return this.#tunnels.get(id)?.connection;
  }

  open(connection: StreamConnection, request: Http2Request): void {
    const { calls, context, headLimits } = this.#scene;
    const head = Buffer.from(upgradeHead(request.head), 'latin1');
    const inner = calls.openClient(connection.id, head);
    if (inner === undefined) {
      const code = head.length > headLimits.headBytesMax ? 'header-too-large' : 'local-exhausted';
      const refusal = certificateRefusal(connection.tls) ?? refuse(code);
      new Exchange(this.#scene, connection, request, () => {}).decline(refusal);
      return;
    }
    const { id, fd } = inner;
    const tunnel = new Tunnel(fd, request.body, {
      headLimits,
      passed: connection,
      untakenMs: context.limits.streamIdleTimeoutMs,
      fate: () => calls.clientFate(id),
      reset: () => calls.resetClient(id),
      closed: () => this.#tunnels.delete(id),
    });
    this.#tunnels.set(id, { connection, tunnel });
  }

  /** The engine has ended an inner client; `reason`: code of the close reason. */
  ended(id: ConnectionId, reason: number): void {
    this.#tunnels.get(id)?.tunnel.ended(this.#scene.calls.closeReason(reason));
  }

  /** Ends everything at once. */
  close(): void {
    for (const { tunnel } of [...this.#tunnels.values()]) tunnel.destroy();
  }
}

/** RFC 8441 5: neither a key nor what HTTP/1.1 says of the upgrade comes over HTTP/2. */
function upgradeHead(head: string): string {
  const key = randomBytes(16).toString('base64');
  return `${head.slice(0, -2)}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${key}\r\n\r\n`;
}
