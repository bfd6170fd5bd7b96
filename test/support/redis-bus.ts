/** Both ends of a health bus over Redis in the test's process, with all that they said, and closed together. */
import type { BusPublisher, BusSubscriber } from '@sluice/shared/health/bus';
import type { RedisOptions } from '@sluice/shared/health/redis/options';
import { createRedisPublisher } from '@sluice/shared/health/redis/publisher';
import { createRedisSubscriber } from '@sluice/shared/health/redis/subscriber';
import type { StatusTable } from '@sluice/shared/health/table';
import { contents, endpoints, Recorder, SERVICE } from '@sluice/shared/health/testing';
import { createLogger, type Logger } from '@sluice/shared/log';
import { eventually } from './eventually.js';

const log = createLogger({ level: 'silent', name: 'bus' });
/** From a fault's end to everything as it should be, on a busy machine. */
const HEAL_BUDGET_MS = 25_000;

export class Subscribed {
  readonly recorder = new Recorder();
  readonly bus: BusSubscriber;
  /** What it warned of. */
  readonly warnings: string[] = [];

  constructor(options: RedisOptions) {
    const warn = (...said: unknown[]) => this.warnings.push(said.map(String).join(' '));
    this.bus = createRedisSubscriber(options, Object.assign(Object.create(log) as Logger, { warn }));
    this.bus.start(this.recorder);
  }

  /** The state is fresh and `check` holds of the table. */
  async shows(check: (table: StatusTable) => void, budgetMs = HEAL_BUDGET_MS): Promise<StatusTable> {
    return eventually(
      () => {
        const { table, state } = this.bus;
        if (table === null || !state.fresh) throw new Error(`table: ${table?.version}, state: ${state.reason}`);
        check(table);
        return table;
      },
      { budgetMs },
    );
  }

  async isStale(): Promise<string> {
    return eventually(
      () => {
        if (this.bus.state.fresh) throw new Error('the state is fresh');
        return this.bus.state.reason;
      },
      { budgetMs: HEAL_BUDGET_MS },
    );
  }

  /** Every table that was shown is newer than the one before. */
  orderFaults(): string[] {
    return this.recorder.seen.flatMap((table, index) => {
      const before = this.recorder.seen[index - 1];
      if (before === undefined || table.epoch > before.epoch) return [];
      if (table.epoch === before.epoch && table.version >= before.version) return [];
      return [`${before.epoch}/${before.version} was followed by ${table.epoch}/${table.version}`];
    });
  }
}

/** A publisher that publishes `membership` as soon as it leads. */
export class Leader {
  readonly bus: BusPublisher;
  readonly elections: { readonly stored: StatusTable | null; readonly epoch: number }[] = [];
  readonly depositions: string[] = [];
  membership = { services: new Set([SERVICE]), endpoints: endpoints(1, 2) };

  constructor(options: RedisOptions, identity = 'a') {
    this.bus = createRedisPublisher(options, log, identity);
    this.bus.start({
      onElected: (stored, epoch) => {
        this.elections.push({ stored, epoch });
        this.bus.publishTable(this.membership.services, this.membership.endpoints);
      },
      onDeposed: (reason) => this.depositions.push(reason),
    });
  }

  async leads(): Promise<void> {
    await eventually(
      () => {
        if (!this.bus.leading) throw new Error('does not lead');
      },
      { budgetMs: HEAL_BUDGET_MS },
    );
  }

  /** Replaces what it publishes. */
  set(...ports: readonly number[]): void {
    this.membership = { services: new Set([SERVICE]), endpoints: endpoints(...ports) };
    this.bus.publishTable(this.membership.services, this.membership.endpoints);
  }
}

/** The table holds exactly these endpoints. */
export function holds(...ports: readonly number[]): (table: StatusTable) => void {
  const wanted = JSON.stringify(contents({ services: new Set([SERVICE]), endpoints: endpoints(...ports) }));
  return (table) => {
    const found = JSON.stringify(contents(table));
    if (found !== wanted) throw new Error(`the table is ${found.slice(0, 1_000)}`);
  };
}
