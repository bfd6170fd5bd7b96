/** `npm start` and `npm run chat` as processes, on ports that nobody uses. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { refusingAddress } from './echo-backend.js';
import { eventually, within } from './eventually.js';

const FOLDER = new URL('../../examples/quickstart/', import.meta.url);

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program of the quickstart, in a process group of its own as a terminal would run it. */
export class Program {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;

  constructor(file: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    const program = fileURLToPath(new URL(file, FOLDER));
    this.child = spawn(process.execPath, [program, ...args], {
      env: { ...process.env, ...env },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = once(this.child, 'close').then(([code, signal]) => ({ code, signal }) as Ended);
  }

  get pid(): number {
    return this.child.pid ?? Number.NaN;
  }

  /** Waits until `pattern` is in what the program has printed. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    const look = () => {
      const found = pattern.exec(this.stdout);
      if (found === null) throw new Error(`no ${pattern} in:\n${this.stdout}${this.stderr}`);
      return found;
    };
    return await eventually(look, { budgetMs: 20_000 });
  }

  type(line: string): void {
    this.child.stdin.write(`${line}\n`);
  }

  /** As Ctrl-C in a terminal: to the whole foreground group. */
  interrupt(): void {
    process.kill(-this.pid, 'SIGINT');
  }

  async end(): Promise<Ended> {
    return await within(this.ended, 15_000, () => `still runs:\n${this.stdout}${this.stderr}`);
  }

  /** The processes that it started, while they run. */
  children(): number[] {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.filter((pid) => parentOf(pid) === this.pid).map(Number);
  }
}

/** Whether the process runs this program of the quickstart. */
export function isProgram(pid: number, file: string): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
    .split('\0')
    .some((argument) => argument.endsWith(`/${file}`));
}

function parentOf(pid: string | number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return Number.NaN;
  }
}

/** Runs and is no zombie. */
export function runs(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
  } catch {
    return false;
  }
}

export interface Ports {
  readonly gateway: number;
  readonly backends: readonly [number, number];
}

export async function freePorts(): Promise<Ports> {
  const [gateway, a, b] = await Promise.all([refusingAddress(), refusingAddress(), refusingAddress()]);
  return { gateway: gateway.port, backends: [a.port, b.port] };
}

export function start(ports: Ports): Program {
  // One worker: its turns decide the backend, and so two clients are on both.
  const env = { PORT: String(ports.gateway), BACKEND_PORTS: ports.backends.join(',') };
  return new Program('start.mjs', ['--workers', '1'], env);
}

export function chat(ports: Ports, name: string): Program {
  return new Program('chat.mjs', [name], { PORT: String(ports.gateway) });
}
