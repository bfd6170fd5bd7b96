/** Starts the prober of `probe-main.ts` as a process, with an environment of its own, and asks it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ProbeResult } from '@sluice/healthd/probes/probe';
import type { ProbeCheck, ProbeSnapshot } from '@sluice/shared/snapshot/service-policy';
import { probeOf } from './probe-ask.js';
import type { Answered, Asked, AskedTls } from './probe-main.js';
import type { Address } from './raw-client.js';

const PROGRAM = fileURLToPath(new URL('../dist/support/probe-main.js', import.meta.url));

export class ProbeProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (result: ProbeResult) => void>();
  #asked = 0;

  /** @param descriptors how many the process may have. */
  constructor(env: Readonly<Record<string, string>> = {}, descriptors?: number) {
    const [execPath = '', ...execArgv] =
      descriptors === undefined
        ? [process.execPath]
        : ['prlimit', `--nofile=${descriptors}:${descriptors}`, process.execPath];
    this.#child = fork(PROGRAM, { env: { ...process.env, ...env }, execPath, execArgv });
    this.#child.on('message', ({ id, result }: Answered) => {
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  ask(
    { address, port }: Address,
    check: ProbeCheck,
    more: Partial<ProbeSnapshot> = {},
    tls: AskedTls | null = null,
  ): Promise<ProbeResult> {
    this.#asked += 1;
    const asked: Asked = { id: this.#asked, to: { address, port }, probe: probeOf(check, more), tls };
    return new Promise((resolve, reject) => {
      this.#waiting.set(asked.id, resolve);
      this.#child.send(asked, (error) => error && reject(error));
    });
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(name);
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}
