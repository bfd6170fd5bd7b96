/**
 * A Redis of the test's own: a real redis-server on a port of its own, without persistence, that can be killed, stopped,
 * emptied and started again on the same port. `scripts/test/tools.mjs` sees to it that there is one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RedisOptions } from '@sluice/shared/health/redis/options';
import { Redis } from 'ioredis';
import { eventually } from './eventually.js';

const READY = /ready to accept connections|\+monitor master/i;
const START_BUDGET_MS = 20_000;
/** Below the range that the kernel takes ports of outgoing connections from: nobody takes it while Redis is down. */
const PORTS = { first: 18_000, count: 12_000 };
const ATTEMPTS = 20;

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (free) await new Promise((resolve) => server.close(resolve));
  return free;
}

/** A port that nobody has now, and that no outgoing connection gets. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port in ${ATTEMPTS} attempts`);
}

export interface RedisSettings {
  /** Further arguments of redis-server: `['--requirepass', 'x']`. */
  readonly args?: readonly string[];
  readonly port?: number;
  /** It is a sentinel, one of three, of the master `main` on this port. */
  readonly sentinelOf?: number;
  /** Not started yet: `start()` does. */
  readonly down?: boolean;
}

export class RedisServer {
  readonly #settings: RedisSettings;
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-redis-'));
  #child: ChildProcess | null = null;
  #output = '';

  private constructor(
    readonly port: number,
    settings: RedisSettings,
  ) {
    this.#settings = settings;
  }

  static async start(settings: RedisSettings = {}): Promise<RedisServer> {
    const server = new RedisServer(settings.port ?? (await freePort()), settings);
    if (!settings.down) await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Options of the health bus on this server. */
  options(parts: Partial<RedisOptions> = {}): RedisOptions {
    return { url: this.url, sentinels: [], master: '', prefix: 'sluice', ...parts };
  }

  /** Starts it, empty. `more`: arguments of this start alone. */
  async start(more: readonly string[] = []): Promise<void> {
    const args = [...this.#arguments(), ...(this.#settings.args ?? []), ...more];
    // The tests may run under a sanitizer's runtime; Redis has an allocator of its own.
    const env = { ...process.env, LD_PRELOAD: '' };
    const child = spawn('redis-server', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.#output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => this.#keep(String(chunk)));
    child.on('error', (error) => this.#keep(error.message));
    await eventually(
      () => {
        if (!READY.test(this.#output)) throw new Error(`redis-server says: ${this.#output}`);
      },
      { budgetMs: START_BUDGET_MS },
    );
  }

  /** Ends it at once, as a crash does. What it held is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Stands still: takes connections and bytes, and answers nothing. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Runs commands on a connection of its own. */
  async run<T>(commands: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis({ port: this.port, host: '127.0.0.1', retryStrategy: null, protocol: 2 });
    client.on('error', () => undefined);
    try {
      return await commands(client);
    } finally {
      client.disconnect();
    }
  }

  /** Ends it and removes its folder. Idempotent. */
  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #arguments(): string[] {
    const own = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder];
    const { sentinelOf } = this.#settings;
    if (sentinelOf === undefined) return [...own, '--save', '', '--appendonly', 'no'];
    // A sentinel keeps its state in its configuration file.
    const file = join(this.#folder, 'sentinel.conf');
    const lines = [
      `sentinel monitor main 127.0.0.1 ${sentinelOf} 2`,
      'sentinel down-after-milliseconds main 1500',
      'sentinel failover-timeout main 6000',
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    return [file, '--sentinel', ...own];
  }

  #keep(text: string): void {
    this.#output = (this.#output + text).slice(-10_000);
  }
}
