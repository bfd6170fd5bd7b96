/**
 * A real gateway process on ephemeral ports, with the logs that it writes. `stop()` ends it by SIGTERM and holds it
 * to the contract: exit code 0, whole access-log records, nothing logged as an error that the test did not announce.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { AccessLog } from './access-log.js';
import { ask } from './ask.js';
import { eventually, within } from './eventually.js';
import { type GatewayOptions, launch } from './launch.js';
import { cpuMs, openDescriptors, residentBytes } from './process-stats.js';
import type { Address } from './raw-client.js';

const READY_BUDGET_MS = 20_000;
const EXIT_BUDGET_MS = 20_000;
const ERROR_LEVEL = 50;

export interface LogLine {
  readonly level?: number;
  readonly msg?: string;
  readonly [field: string]: unknown;
}
interface Ready {
  readonly event: 'ready';
  readonly listeners: readonly { gateway: string; listener: string; address: string; port: number }[];
  readonly admin: Address | null;
  readonly workers: number;
}
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Gateway implements Address {
  readonly log: LogLine[] = [];
  readonly exited: Promise<Exit>;
  #ready: Ready | undefined;
  #baseline = 0;
  #stopped = false;

  private constructor(
    readonly child: ChildProcess,
    readonly folder: string,
    readonly options: GatewayOptions,
  ) {
    this.exited = new Promise((resolve) => {
      child.on('exit', (code, signal) => resolve({ code, signal }));
    });
    const { stderr } = child;
    if (stderr) {
      createInterface({ input: stderr }).on('line', (line) => this.log.push(parseLine(line)));
    }
  }

  static async start(options: GatewayOptions): Promise<Gateway> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
    const child = launch(folder, options);
    const gateway = new Gateway(child, folder, options);
    await gateway.#becomeReady();
    return gateway;
  }

  async #becomeReady(): Promise<void> {
    const { stdout } = this.child;
    if (!stdout) {
      throw new Error('the gateway was started without a pipe for its output');
    }
    const ready = new Promise<Ready>((resolve) => {
      createInterface({ input: stdout }).on('line', (line) => {
        const said = parseLine(line);
        if (said.event === 'ready') {
          resolve(said as unknown as Ready);
        }
      });
    });
    const early = this.exited.then(({ code, signal }) => {
      throw new Error(`the gateway ended (${code ?? signal}) before it was ready:\n${this.describeLog()}`);
    });
    try {
      this.#ready = await within(Promise.race([ready, early]), READY_BUDGET_MS, () => 'the gateway is not ready');
    } catch (error) {
      this.child.kill('SIGKILL');
      rmSync(this.folder, { recursive: true, force: true });
      throw error;
    }
    early.catch(() => undefined);
    this.#baseline = this.descriptors();
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get ready(): Ready {
    if (!this.#ready) {
      throw new Error('the gateway is not ready');
    }
    return this.#ready;
  }

  listener(name: string): Address {
    const found = this.ready.listeners.find(({ listener }) => listener === name);
    if (!found) {
      throw new Error(`no listener ${name} in ${JSON.stringify(this.ready)}`);
    }
    return found;
  }

  get address(): string {
    return this.ready.listeners[0]?.address ?? '';
  }

  get port(): number {
    return this.ready.listeners[0]?.port ?? 0;
  }

  get accessLog(): AccessLog {
    return new AccessLog(join(this.folder, 'access.log'));
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  descriptors(): number {
    return openDescriptors(this.pid);
  }

  residentBytes(): number {
    return residentBytes(this.pid);
  }

  cpuMs(): number {
    return cpuMs(this.pid);
  }

  /** Waits until the process holds no more descriptors than when it became ready. */
  async settled(budgetMs = 5_000): Promise<void> {
    await eventually(
      () => {
        const open = this.descriptors();
        if (open > this.#baseline) {
          throw new Error(`${open} descriptors are open, ${this.#baseline} were at the start`);
        }
      },
      { budgetMs },
    );
  }

  /** Asks the admin port, on a connection of its own. */
  async admin(path: string, method = 'GET'): Promise<{ status: number; body: string }> {
    const { admin } = this.ready;
    if (!admin) {
      throw new Error('the admin port is off');
    }
    return await ask(admin, path, method);
  }

  /** Waits for a log line that matches. */
  async logged(match: (line: LogLine) => boolean, budgetMs = 5_000): Promise<LogLine> {
    return await eventually(
      () => {
        const line = this.log.find(match);
        if (!line) {
          throw new Error(`no such line in the log:\n${this.describeLog()}`);
        }
        return line;
      },
      { budgetMs },
    );
  }

  describeLog(): string {
    return this.log
      .slice(-20)
      .map((line) => JSON.stringify(line))
      .join('\n');
  }

  /** Ends the process without asking it. For cleanup after a failure. */
  async kill(): Promise<void> {
    this.#stopped = true;
    this.child.kill('SIGKILL');
    await this.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Waits for the end of a gateway that has been told to end. */
  async end(budgetMs = EXIT_BUDGET_MS): Promise<Exit> {
    this.#stopped = true;
    return await within(this.exited, budgetMs, () => `the gateway did not end:\n${this.describeLog()}`);
  }

  /** SIGTERM, exit code 0, a whole access log, no unexpected error. */
  async stop(): Promise<void> {
    if (this.#stopped) {
      rmSync(this.folder, { recursive: true, force: true });
      return;
    }
    try {
      this.child.kill('SIGTERM');
      const { code, signal } = await this.end();
      if (code !== 0) {
        throw new Error(`the gateway ended with ${code ?? signal}:\n${this.describeLog()}`);
      }
      if (this.options.flags?.['access-log'] === undefined) {
        this.accessLog.records();
      }
      const errors = this.log.filter(({ level = ERROR_LEVEL }) => level >= ERROR_LEVEL);
      if (errors.length > 0 && this.options.expectErrors !== true) {
        throw new Error(`the gateway logged errors:\n${errors.map((line) => JSON.stringify(line)).join('\n')}`);
      }
    } finally {
      if (this.running) {
        this.child.kill('SIGKILL');
      }
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}

function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { msg: line };
  }
}
