/**
 * Echo backends in processes of their own, on ports that they keep, with a history of when each was killed or hung.
 *
 * Invariant: at least `HEALTHY_MIN` of them are neither dead nor hung, so a healthy endpoint always exists.
 */
import { BackendProcess } from '../backend-process.js';

const HEALTHY_MIN = 2;

/** A span of time, ms of performance.now(); `toMs` is Infinity while it lasts. */
export interface Span {
  readonly fromMs: number;
  toMs: number;
}

export class FleetMember {
  readonly killed: number[] = [];
  readonly hangs: Span[] = [];
  state: 'up' | 'hung' | 'dead' = 'up';

  constructor(
    public process: BackendProcess,
    readonly port: number,
  ) {}

  kill(): void {
    this.state = 'dead';
    this.killed.push(performance.now());
    this.process.child.kill('SIGKILL');
  }

  async revive(): Promise<void> {
    this.process = await BackendProcess.start({ port: this.port });
    this.state = 'up';
  }

  hang(): void {
    this.state = 'hung';
    this.hangs.push({ fromMs: performance.now(), toMs: Number.POSITIVE_INFINITY });
    this.process.child.kill('SIGSTOP');
  }

  wake(): void {
    this.process.child.kill('SIGCONT');
    const span = this.hangs.at(-1);
    if (span !== undefined) span.toMs = performance.now();
    this.state = 'up';
  }

  /** Whether it was killed in this span. */
  diedWithin(fromMs: number, toMs: number): boolean {
    return this.killed.some((atMs) => atMs >= fromMs && atMs <= toMs);
  }
}

export class Fleet {
  private constructor(readonly members: readonly FleetMember[]) {}

  static async start(count: number): Promise<Fleet> {
    const processes = await Promise.all(Array.from({ length: count }, () => BackendProcess.start()));
    return new Fleet(processes.map((process) => new FleetMember(process, process.port)));
  }

  /** Members that may be taken away now; none when too few would be left. */
  get spare(): readonly FleetMember[] {
    const up = this.members.filter(({ state }) => state === 'up');
    return up.length > HEALTHY_MIN ? up : [];
  }

  async close(): Promise<void> {
    for (const member of this.members) {
      if (member.state === 'hung') member.wake();
      if (member.state !== 'dead') await member.process.close();
    }
  }
}
