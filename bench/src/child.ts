/**
 * Child processes of the benchmark. Invariant: whatever is started here is ended, by its pid, when its owner closes it
 * or when the run ends in any way, Ctrl-C included; nothing is ever ended by name. Stdout is read line by line, stderr
 * is kept for the message of a failure.
 *
 * Pinning (`--pin split`) puts the target on core 0 and the load generator and backend on core 1. It is not the
 * default: on one core those two manage 80 000–90 000 round trips/s, no more than a fast proxy does on the other, so
 * that the load would be what is measured; left to the scheduler on two cores they manage 150 000 and up. What we
 * compare is CPU time per operation, which the kernel counts per task wherever it runs; for HAProxy and nginx it came
 * out the same both ways. All targets of a run are placed alike.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const running = new Set<Child>();
const stderrKeptBytes = 4000;

export interface ChildSettings {
  /** CPU list for taskset; undefined leaves the placement to the scheduler. */
  cpus?: string | undefined;
  environment?: Record<string, string>;
}

export class Child {
  readonly process: ChildProcess;
  #stderr = '';
  #lines: string[] = [];
  #wake: (() => void) | undefined;
  #exited = false;

  constructor(
    readonly command: string,
    args: string[],
    settings: ChildSettings = {},
  ) {
    const [file, all] =
      settings.cpus === undefined ? [command, args] : ['taskset', ['-c', settings.cpus, command, ...args]];
    this.process = spawn(file, all, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...settings.environment },
    });
    running.add(this);
    this.process.on('error', (error) => this.#ended(error.message));
    this.process.on('close', () => this.#ended(''));
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-stderrKeptBytes);
    });
    // A child that ended before its stdin was closed is no error of ours.
    this.process.stdin?.on('error', () => undefined);
    if (this.process.stdout) {
      createInterface({ input: this.process.stdout }).on('line', (line) => {
        this.#lines.push(line);
        this.#wake?.();
      });
    }
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error(`${this.command} did not start: ${this.#stderr}`);
    return this.process.pid;
  }

  get exited(): boolean {
    return this.#exited;
  }

  get stderr(): string {
    return this.#stderr.trim();
  }

  /** The next line of stdout. @throws Error when the process ends or `timeoutMs` pass before there is one. */
  async line(timeoutMs: number): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      if (this.#exited) throw new Error(`${this.command} ended early: ${this.stderr || 'no message'}`);
      if (Date.now() >= deadline) throw new Error(`${this.command} said nothing for ${timeoutMs} ms: ${this.stderr}`);
      await this.#somethingNew(deadline - Date.now());
    }
  }

  /** SIGTERM, then SIGKILL after two seconds; idempotent. */
  async close(): Promise<void> {
    if (this.#exited) return;
    const closed = once(this.process, 'close');
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 2000);
    await closed;
    clearTimeout(timer);
  }

  #somethingNew(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #ended(message: string): void {
    this.#stderr += message;
    this.#exited = true;
    running.delete(this);
    this.#wake?.();
  }
}

export async function closeAll(): Promise<void> {
  await Promise.all([...running].map((child) => child.close()));
}

/** Last resort of a forced exit: no waiting. */
export function killAll(): void {
  for (const child of running) child.process.kill('SIGKILL');
}

/** Where the program is, or undefined. */
export function findProgram(name: string): string | undefined {
  try {
    const path = `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`;
    return execFileSync('sh', ['-c', 'command -v "$0"', name], {
      encoding: 'utf8',
      env: { ...process.env, PATH: path },
    }).trim();
  } catch {
    return undefined;
  }
}
