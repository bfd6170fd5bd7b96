/** A raw TCP server whose every connection follows one script; knows how its connections ended. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { eventually } from './eventually.js';
import type { Address } from './raw-client.js';

export type Script = (socket: Socket) => void;

export class ProbeServer implements Address {
  readonly address = '127.0.0.1';
  readonly port: number;
  readonly open = new Set<Socket>();
  accepted = 0;
  /** Connections that ended by a reset of the peer's. */
  resets = 0;

  private constructor(
    readonly server: Server,
    script: Script,
  ) {
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => {
      this.accepted += 1;
      this.open.add(socket);
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNRESET') this.resets += 1;
      });
      socket.on('close', () => this.open.delete(socket));
      script(socket);
    });
  }

  static async start(script: Script = (socket) => socket.resume()): Promise<ProbeServer> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ProbeServer(server, script);
  }

  /** Waits until the prober has left no connection open. */
  async deserted(): Promise<void> {
    await eventually(() => {
      if (this.open.size > 0) throw new Error(`${this.open.size} connections are open`);
    });
  }

  async close(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

/** Runs `test` with a server that follows the script, and closes it. */
export async function withServer<T>(script: Script, test: (server: ProbeServer) => Promise<T>): Promise<T> {
  const server = await ProbeServer.start(script);
  try {
    return await test(server);
  } finally {
    await server.close();
  }
}
