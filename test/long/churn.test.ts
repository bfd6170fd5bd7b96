/**
 * Seeded churn: connections of every kind come and go, workers die among them. The invariant: every connection ends,
 * every one has its record, no descriptor stays, and no byte of a stream that ended cleanly is lost.
 */
import { expect, test } from 'vitest';
import { ACTS } from '../support/churn.js';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { EchoLoad } from '../support/load.js';
import { Random, seedOfRun } from '../support/random.js';
import { withGateway } from '../support/scenario.js';

const DURATION_MS = Number(process.env.SLUICE_CHURN_MS ?? 60_000);
const LANES = 40;
const LOAD = 20;
const WORKERS = 2;

async function startBackends(): Promise<EchoBackend[]> {
  return await Promise.all(Array.from({ length: 3 }, () => EchoBackend.start({ record: false })));
}

test('churn without deaths', async () => {
  const seed = seedOfRun();
  const backends = await startBackends();
  await withGateway(
    { config: { services: { echo: backends } } },
    async (gateway) => {
      const counts = new Map<string, number>();
      let connections = 0;
      const deadline = performance.now() + DURATION_MS;
      const lane = async (_: unknown, index: number) => {
        const random = new Random(seed + index);
        while (performance.now() < deadline) {
          const act = random.pick(ACTS);
          counts.set(act.name, (counts.get(act.name) ?? 0) + 1);
          connections += 1;
          await act.run(gateway, random, `m=${index}-${connections}`);
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      console.log(Object.fromEntries(counts));
      await gateway.settled(10_000);
      await eventually(() => expect(backends.map(({ open }) => open)).toEqual([0, 0, 0]));
      await eventually(() => expect(gateway.accessLog.records()).toHaveLength(connections), { intervalMs: 200 });
    },
    backends,
  );
});

test('churn while workers die: spliced connections do not notice', async () => {
  const seed = seedOfRun();
  const backends = await startBackends();
  await withGateway(
    { config: { services: { echo: backends } }, faults: true, expectErrors: true },
    async (gateway) => {
      const load = await EchoLoad.start(gateway, LOAD);
      let connections = LOAD;
      let over = false;
      const lane = async (_: unknown, index: number) => {
        const random = new Random(seed + index);
        while (!over) {
          connections += 1;
          // A connection in handshake may end with its worker, so what an act says about bytes does not count here.
          await random
            .pick(ACTS)
            .run(gateway, random, `m=${index}-${connections}`)
            .catch(() => undefined);
        }
      };
      const lanes = Promise.all(Array.from({ length: LANES / 2 }, lane));
      const random = new Random(seed);
      const deadline = performance.now() + DURATION_MS;
      for (let deaths = 1; performance.now() < deadline; deaths += 1) {
        await gateway.admin(`/fault/${random.pick(['throw', 'exit'])}?worker=${random.between(0, 1)}`, 'POST');
        await load.proceed(50);
        // Restarts come ever later; with both workers dead nobody would move a byte until the first is back.
        await eventually(
          () => expect(gateway.log.filter(({ msg }) => msg === 'worker ready')).toHaveLength(WORKERS + deaths),
          { budgetMs: 40_000 },
        );
      }
      over = true;
      await lanes;
      await load.stop();
      await gateway.settled(10_000);
      await eventually(() => expect(backends.map(({ open }) => open)).toEqual([0, 0, 0]));
      await eventually(() => expect(gateway.accessLog.records()).toHaveLength(connections), { intervalMs: 200 });
    },
    backends,
  );
});
