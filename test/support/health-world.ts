/**
 * Two gateways and two daemons on one Redis, with connections that talk through both gateways all the time, and a pair of
 * backends of their own that a test may kill and revive to see that verdicts arrive.
 *
 * The talkers' backends are never touched: not one of their connections may end or stall, whatever happens to the bus.
 */
import { expect } from 'vitest';
import { Fleet } from './chaos/fleet.js';
import { Talkers } from './chaos/talkers.js';
import { eventually } from './eventually.js';
import { Exposition } from './exposition.js';
import { Gateway } from './gateway.js';
import { answered, backendHealth, statuses } from './health-gateway.js';
import { Healthd } from './healthd.js';
import { manifests } from './manifests.js';

const TALKING_BACKENDS = 3;
const PROBE = {
  interval: '250ms',
  timeout: '500ms',
  unhealthyThreshold: 2,
  protocol: 'WebSocket',
  websocket: { path: '/echo?probe' },
};
/** From the end of an outage to right statuses everywhere: a lease, an election, two probes; and a busy machine. */
const HEAL_BUDGET_MS = 15_000;
/** For Redis to be found again, or another one, behind the outage. */
const READY_BUDGET_MS = 60_000;

export interface WorldOptions {
  readonly talkers: number;
  /** Options about Redis, by name, of gateways and daemons alike. */
  readonly redis: { readonly redis: string } & Readonly<Record<string, string>>;
}

export class HealthWorld {
  readonly daemons: Healthd[] = [];
  readonly gateways: Gateway[] = [];
  readonly #config: string;
  talkers: Talkers;

  private constructor(
    readonly fleet: Fleet,
    readonly pair: Fleet,
    readonly options: WorldOptions,
  ) {
    this.#config = configOf(fleet, pair);
    this.talkers = new Talkers([], 0);
  }

  static async start(options: WorldOptions): Promise<HealthWorld> {
    const world = new HealthWorld(await Fleet.start(TALKING_BACKENDS), await Fleet.start(2), options);
    try {
      for (let left = 2; left > 0; left -= 1) await world.addDaemon();
      const flags = { ...options.redis, 'eject-after': '0', 'answer-timeout': '2s', 'health-wait': '20s' };
      for (let left = 2; left > 0; left -= 1) {
        world.gateways.push(await Gateway.start({ config: world.#config, flags }));
      }
      world.talkers = new Talkers(world.gateways, options.talkers);
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  async addDaemon(): Promise<void> {
    const { redis, ...rest } = this.options.redis;
    const flags = Object.entries(rest).flatMap(([name, value]) => [`--${name}`, value]);
    this.daemons.push(await Healthd.start(this.#config, redis, [], flags));
  }

  /** The daemon that leads, alone among all but one that stands still. */
  async leader(paused?: Healthd): Promise<Healthd> {
    const daemons = this.daemons.filter((daemon) => daemon !== paused);
    return await eventually(
      async () => {
        const leading = await Promise.all(daemons.map((daemon) => isLeader(daemon)));
        expect(leading.filter(Boolean)).toHaveLength(1);
        return daemons[leading.indexOf(true)] as Healthd;
      },
      { budgetMs: READY_BUDGET_MS, intervalMs: 100 },
    );
  }

  /** Kills a daemon and forgets it. */
  async kill(daemon: Healthd): Promise<void> {
    this.daemons.splice(this.daemons.indexOf(daemon), 1);
    await daemon.close();
  }

  /** Waits until both gateways have fresh statuses. */
  async fresh(): Promise<void> {
    for (const gateway of this.gateways) {
      await eventually(
        async () => expect((await backendHealth(gateway)).healthBus).toMatchObject({ fresh: true, reason: '' }),
        { budgetMs: READY_BUDGET_MS, intervalMs: 100 },
      );
    }
  }

  /** Waits until both gateways say that their statuses are stale. */
  async stale(): Promise<void> {
    for (const gateway of this.gateways) {
      await eventually(async () => expect((await backendHealth(gateway)).healthBus).toMatchObject({ fresh: false }), {
        budgetMs: READY_BUDGET_MS,
        intervalMs: 50,
      });
    }
  }

  /** Every endpoint is healthy in both gateways but those that are dead, within seconds; new connections go accordingly. */
  async right(): Promise<void> {
    const members = [...this.fleet.members, ...this.pair.members];
    const wanted = Object.fromEntries(
      members.map(({ port, state }) => [port, state === 'up' ? 'HEALTHY' : 'UNHEALTHY']),
    );
    for (const gateway of this.gateways) {
      await eventually(async () => expect(await statuses(gateway)).toEqual(wanted), { budgetMs: HEAL_BUDGET_MS });
      for (let left = 8; left > 0; left -= 1) expect(await answered(gateway, '/pair')).toBe(101);
    }
  }

  /** Waits until the connections that are to talk do, and each of them has been heard since. */
  async talk(): Promise<void> {
    const { talkers } = this;
    await eventually(() => expect(talkers.talking).toBe(this.options.talkers), { budgetMs: READY_BUDGET_MS });
    const echoes = talkers.echoes + this.options.talkers;
    await eventually(() => expect(talkers.echoes).toBeGreaterThan(echoes), { budgetMs: READY_BUDGET_MS });
  }

  /**
   * Runs `outage`, in the middle of which (`during`) one of the pair dies. Behind it everything must be right within
   * seconds, with the dead one out; then it comes back. No talker may have ended, or waited for longer than `stallMs`.
   */
  async survives(what: string, outage: (during: () => Promise<void>) => Promise<void>, stallMs: number): Promise<void> {
    const { talkers, pair } = this;
    const [victim] = pair.members;
    if (victim === undefined) throw new Error('there is no pair');
    await this.right();
    await this.talk();
    talkers.slowestMs = 0;
    const beganMs = performance.now();
    await outage(async () => victim.kill());
    const overMs = performance.now();
    await this.fresh();
    const freshMs = performance.now();
    await this.right();
    const rightMs = performance.now();
    await victim.revive();
    await this.right();
    await this.talk();
    const ms = (from: number, to: number) => `${Math.round(to - from)} ms`;
    console.log(
      `${what}: ${ms(beganMs, overMs)}, fresh ${ms(overMs, freshMs)} after, right ${ms(overMs, rightMs)} after; ` +
        `the slowest of ${talkers.echoes} echoes so far took ${Math.round(talkers.slowestMs)} ms`,
    );
    expect(talkers.losses.slice(0, 5)).toEqual([]);
    expect(talkers.slowestMs).toBeLessThan(stallMs);
  }

  /** Ends everything in order, and holds the gateways to that. */
  async end(): Promise<void> {
    await this.talkers.stop();
    expect(this.talkers.losses).toEqual([]);
    for (const gateway of this.gateways) {
      await gateway.settled(20_000);
      await gateway.stop();
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    for (const gateway of this.gateways) await gateway.kill();
    for (const daemon of this.daemons) await daemon.close();
    await this.fleet.close();
    await this.pair.close();
  }
}

function configOf(fleet: Fleet, pair: Fleet): string {
  const addresses = ({ members }: Fleet) => members.map(({ port }) => ({ address: '127.0.0.1', port }));
  return manifests({
    services: { echo: addresses(fleet), pair: addresses(pair) },
    routes: [
      {
        rules: [
          { prefix: '/echo', backends: ['echo'] },
          { prefix: '/pair', backends: ['pair'] },
        ],
      },
    ],
    probes: { echo: PROBE, pair: PROBE },
  });
}

async function isLeader(daemon: Healthd): Promise<boolean> {
  return new Exposition((await daemon.ask('/metrics')).body).sum('sluice_leader') === 1;
}
