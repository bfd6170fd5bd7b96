/**
 * 1 000 reloads under 500 talking connections: none is lost, and neither memory, descriptors nor slots of the status board
 * grow. Then a reload of 5 000 routes and 2 000 services, with what echoes take meanwhile: printed.
 */
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import type { Gateway } from '../support/gateway.js';
import { EchoLoad } from '../support/load.js';
import { type Description, manifests, type RouteDescription } from '../support/manifests.js';
import { RawClient } from '../support/raw-client.js';
import { applied, replaceConfig } from '../support/reloading.js';
import { withGateway } from '../support/scenario.js';

const RELOADS = Number(process.env.SLUICE_RELOADS ?? 1000);
const CONNECTIONS = 500;
const MIB = 1024 * 1024;
/** After so many reloads memory has the size that it needs. */
const WARM = Math.floor(RELOADS / 5);
const GROWTH_MAX = 96 * MIB;

/** A configuration that no other round has: another route, another service, another endpoint, now and then a listener. */
function configOfRound(round: number, backends: readonly EchoBackend[]): Description {
  const passing = `passing-${round}`;
  const routes: RouteDescription[] = [
    { name: 'all', rules: [{ backends: ['echo'] }] },
    { name: `extra-${round % 50}`, rules: [{ prefix: `/${passing}`, backends: [passing] }] },
  ];
  const listeners = round % 3 === 0 ? [{}, { name: 'more', port: 81 }] : [{}];
  const address = { address: `10.1.${(round >> 8) & 255}.${round & 255}`, port: 9 };
  return { listeners, routes, services: { echo: backends, [passing]: [address] } };
}

/** Slots of the status board that are taken, as far as endpoints show; the board itself has room for few more. */
async function expectRoom(gateway: Gateway): Promise<void> {
  expect((await gateway.admin('/metrics')).body).toMatch(/^sluice_endpoints_left_out 0$/m);
}

test(`${RELOADS} reloads under ${CONNECTIONS} talking connections`, async () => {
  const backends = await Promise.all([1, 2].map(() => EchoBackend.start({ record: false })));
  await withGateway(
    {
      config: configOfRound(0, backends),
      flags: { 'port-map': '80=0,81=0', 'endpoints-max': '64', 'access-log': 'off' },
    },
    async (gateway) => {
      const load = await EchoLoad.start(gateway, CONNECTIONS);
      let [warmBytes, descriptors] = [0, 0];
      for (let round = 1; round <= RELOADS; round += 1) {
        await applied(gateway, () => replaceConfig(gateway, configOfRound(round, backends)));
        load.throwFailure();
        if (round % 100 === 0) await load.proceed(1, 60_000);
        if (round % 100 === 0) await expectRoom(gateway);
        if (round === WARM) warmBytes = gateway.residentBytes();
        if (round === WARM) descriptors = gateway.descriptors();
      }
      await load.proceed(5, 60_000);
      const grown = gateway.residentBytes() - warmBytes;
      console.log(
        `memory: ${Math.round(warmBytes / MIB)} MiB after ${WARM} reloads, grown by ${Math.round(grown / MIB)} MiB`,
      );
      expect(grown).toBeLessThan(GROWTH_MAX);
      // One more or less for the listener that comes and goes, and the compiler's thread.
      expect(Math.abs(gateway.descriptors() - descriptors)).toBeLessThan(20);
      await load.stop();
      await applied(gateway, () => replaceConfig(gateway, configOfRound(1, backends)));
    },
    backends,
  );
});

/** Median, 99th percentile and worst of some echoes, ms, one after the other until `over`. */
async function echoTimes(gateway: Gateway, over: () => boolean): Promise<readonly number[]> {
  const client = await RawClient.upgrade(gateway, { target: '/all' });
  const times: number[] = [];
  while (!over()) {
    const beganMs = performance.now();
    await client.write('x'.repeat(64));
    await client.read(64);
    times.push(performance.now() - beganMs);
  }
  client.end();
  await client.outcome();
  return times.sort((a, b) => a - b);
}

function quantile(sorted: readonly number[], share: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(2);
}

function large(salt: number, backend: EchoBackend): Description {
  const names = Array.from({ length: 2000 }, (_, at) => `service-${at}`);
  const services = Object.fromEntries(
    names.map((name, at) => [name, [{ address: `10.${salt}.${at >> 8}.${at & 255}`, port: 9 }]]),
  );
  const routes = Array.from({ length: 5000 }, (_, at): RouteDescription => {
    const rules = [{ prefix: `/p${at}-${salt}`, backends: [names[at % names.length] ?? ''] }];
    return { name: `route-${at}`, hostnames: [`h${at % 50}.example.com`], rules };
  });
  const all: RouteDescription = { name: 'all', rules: [{ prefix: '/all', backends: ['echo'] }] };
  return { routes: [all, ...routes], services: { ...services, echo: [backend] } };
}

test('echoes while 5 000 routes and 2 000 services change', async () => {
  const backend = await EchoBackend.start({ record: false });
  // Made before: what this process is busy with would be measured too.
  const texts = [1, 2, 3].map((salt) => manifests(large(salt, backend)));
  await withGateway(
    { config: large(0, backend), flags: { 'access-log': 'off' } },
    async (gateway) => {
      const idle = await (async () => {
        const untilMs = performance.now() + 3000;
        return await echoTimes(gateway, () => performance.now() > untilMs);
      })();
      let over = false;
      const measured = echoTimes(gateway, () => over);
      for (const [at, text] of texts.entries()) {
        replaceConfig(gateway, text);
        // Log lines, not questions: those would be measured too.
        await eventually(
          () => {
            const lines = gateway.log.filter(({ msg }) => msg === 'another configuration is in force');
            expect(lines).toHaveLength(at + 1);
          },
          { budgetMs: 60_000, intervalMs: 100 },
        );
      }
      over = true;
      const busy = await measured;
      for (const [name, times] of [['idle', idle] as const, ['during reloads', busy] as const]) {
        const [p50, p99, worst] = [0.5, 0.99, 1].map((share) => quantile(times, share));
        console.log(`echo, ${name}: n ${times.length}, p50 ${p50} ms, p99 ${p99} ms, worst ${worst} ms`);
      }
      const took = gateway.log.flatMap(({ elapsedMs }) => elapsedMs ?? []);
      console.log(`reloads took ${took.join(', ')} ms`);
      expect(Number(quantile(busy, 0.5))).toBeLessThan(10);
    },
    [backend],
  );
});
