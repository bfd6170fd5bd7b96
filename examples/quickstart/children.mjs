/**
 * The processes that `npm start` runs. Invariant: whoever ends is told of, and none outlives this process.
 * Each is in a process group of its own, so that Ctrl-C reaches start.mjs alone, which then ends them once and in order.
 */
import { spawn } from 'node:child_process';

const KILL_AFTER_MS = 4_000;

export class Children {
  #running = new Map();
  #onEnd;

  /** `onEnd(name, code)` is called when a child has ended by itself; code is null when a signal ended it. */
  constructor(onEnd) {
    this.#onEnd = onEnd;
    process.on('exit', () => this.#signal('SIGKILL'));
  }

  /** Starts `node args`; stdio as in child_process.spawn. */
  start(name, args, stdio) {
    const child = spawn(process.execPath, args, { stdio, detached: true });
    this.#running.set(name, child);
    child.once('exit', (code) => {
      this.#running.delete(name);
      this.#onEnd(name, code);
    });
    return child;
  }

  /** Asks every child to end, insists after a while; resolves when none is left. Later ends are not reported. */
  async end() {
    this.#onEnd = () => {};
    const ended = [...this.#running.values()].map((child) => new Promise((resolve) => child.once('exit', resolve)));
    this.#signal('SIGTERM');
    const killer = setTimeout(() => this.#signal('SIGKILL'), KILL_AFTER_MS);
    await Promise.all(ended);
    clearTimeout(killer);
  }

  #signal(signal) {
    for (const child of this.#running.values()) child.kill(signal);
  }
}
