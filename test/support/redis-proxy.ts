/**
 * A TCP proxy in front of Redis that does what networks do: cuts connections, also in the middle of a message, and
 * swallows bytes without a word, as a firewall that drops packets does.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

export class RedisProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #targetPort: number;
  #swallowing = false;
  #cutAfter: RegExp | null = null;
  /** Connections that were taken so far. */
  taken = 0;
  cuts = 0;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#take(client));
  }

  static async start(targetPort: number): Promise<RedisProxy> {
    const proxy = new RedisProxy(targetPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** New connections go to this port from now on; those that are there stay where they are. */
  redirect(targetPort: number): void {
    this.#targetPort = targetPort;
  }

  /** Nothing passes any more, on connections old and new; nobody is told. What is swallowed never comes. */
  swallow(on: boolean): void {
    this.#swallowing = on;
  }

  /** Cuts the next connection on which Redis sends something like `pattern`: in the middle of that. */
  cutInside(pattern: RegExp): void {
    this.#cutAfter = pattern;
  }

  /** Resets every connection. */
  cutAll(): void {
    for (const pair of this.#pairs) this.#end(pair);
  }

  async close(): Promise<void> {
    this.cutAll();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(client: Socket): void {
    this.taken += 1;
    const pair = { client, server: connect(this.#targetPort, '127.0.0.1') };
    this.#pairs.add(pair);
    for (const socket of [pair.client, pair.server]) {
      socket.on('error', () => undefined);
      socket.on('close', () => this.#end(pair));
    }
    pair.client.on('data', (chunk) => this.#pass(pair.server, chunk));
    pair.server.on('data', (chunk) => {
      const at = this.#cutAfter === null ? -1 : chunk.toString('latin1').search(this.#cutAfter);
      if (at === -1) {
        this.#pass(pair.client, chunk);
        return;
      }
      this.#cutAfter = null;
      this.cuts += 1;
      pair.client.write(chunk.subarray(0, at + 1), () => this.#end(pair));
    });
  }

  #pass(to: Socket, chunk: Buffer): void {
    if (!this.#swallowing && to.writable) to.write(chunk);
  }

  /** A connection that swallows stays as it is: its peer is not told either. */
  #end(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return;
    pair.client.resetAndDestroy();
    pair.server.destroy();
  }
}
