/** A process with one engine that speaks TLS, as a test drives it; see tls-engine-main.ts. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { EngineStats } from '@sluice/dataplane/engine/binding';
import type { TlsClientOptions } from '@sluice/dataplane/engine/tls-binding';
import { eventually } from './eventually.js';
import type { Address } from './raw-client.js';
import type { NamedContext, TlsEngineAnswer, TlsEngineCall } from './tls-engine-main.js';

/** Compiled, because a child process of Node 20 runs no TypeScript. */
const CHILD = fileURLToPath(new URL('../dist/support/tls-engine-main.js', import.meta.url));

export interface TlsListener extends Address {
  readonly listener: number;
}

/** A record of the access log: of what the engine writes, what the tests look at. */
export interface TlsRecord {
  readonly by: string;
  readonly closeReason: string;
  readonly tlsError?: string;
  readonly requestBodyBytes: number;
  readonly responseBodyBytes: number;
}

export class TlsEngine {
  private constructor(readonly child: ChildProcess) {}

  static async start({ requestHeadTimeoutMs = 10_000 } = {}): Promise<TlsEngine> {
    const engine = new TlsEngine(fork(CHILD, [String(requestHeadTimeoutMs)], { execArgv: [] }));
    await engine.stats();
    return engine;
  }

  async #ask<T>(message: TlsEngineCall): Promise<T> {
    const answer = once(this.child, 'message') as Promise<[TlsEngineAnswer]>;
    this.child.send(message);
    const [said] = await answer;
    if ('error' in said) throw new Error(said.error);
    return said.ok as T;
  }

  async listen(names: readonly NamedContext[]): Promise<TlsListener> {
    const bound = await this.#ask<{ listener: number; port: number }>({ call: 'listen', names });
    return { address: '127.0.0.1', ...bound };
  }

  names(listener: number, names: readonly NamedContext[]): Promise<void> {
    return this.#ask({ call: 'names', listener, names });
  }

  backend(port: number, tls: TlsClientOptions | null = null): Promise<void> {
    return this.#ask({ call: 'backend', port, tls });
  }

  keys(...keys: readonly Buffer[]): Promise<void> {
    return this.#ask({ call: 'keys', keys: Buffer.concat(keys).toString('hex') });
  }

  stats(): Promise<EngineStats> {
    return this.#ask({ call: 'stats' });
  }

  usage(): Promise<{ cpuUs: number; rssBytes: number }> {
    return this.#ask({ call: 'usage' });
  }

  async log(): Promise<readonly TlsRecord[]> {
    const lines = await this.#ask<readonly string[]>({ call: 'log' });
    return lines.map((line) => JSON.parse(line) as TlsRecord);
  }

  /** The log once it has this many records. */
  records(count: number): Promise<readonly TlsRecord[]> {
    return eventually(async () => {
      const records = await this.log();
      if (records.length < count) throw new Error(`${records.length} records: ${JSON.stringify(records)}`);
      return records;
    });
  }

  /** Nothing is open any more and the process ends by itself, with 0. */
  async close(): Promise<void> {
    const ended = once(this.child, 'exit') as Promise<[number | null, string | null]>;
    this.child.disconnect();
    const [code, signal] = await ended;
    if (code !== 0) throw new Error(`the engine's process ended with ${code ?? signal}`);
  }
}
