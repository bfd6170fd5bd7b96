/**
 * Chaos: a minute of random faults on backends, daemons and Redis, with two gateways that hundreds of connections talk
 * through.
 *
 * Two invariants. No established connection is lost unless its own backend died. And every new connection succeeds,
 * because a healthy endpoint always exists; only a handshake that had gone to an endpoint between its hang and its
 * verdict ends in 504 within the answer timeout.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { LANES, pickFault, type World } from '../support/chaos/faults.js';
import { Fleet, type Span } from '../support/chaos/fleet.js';
import { type Newcomer, Newcomers } from '../support/chaos/newcomers.js';
import { type Loss, Talkers } from '../support/chaos/talkers.js';
import { Gateway } from '../support/gateway.js';
import { Healthd } from '../support/healthd.js';
import { manifests } from '../support/manifests.js';
import { Random, seedOfRun } from '../support/random.js';
import { RedisServer } from '../support/redis.js';

const DURATION_MS = Number(process.env.SLUICE_CHAOS_MS ?? 60_000);
const BACKENDS = 6;
const TALKERS = 500;
const ANSWER_TIMEOUT_MS = 2_000;
/** From a hang to no new connection: the probe's interval, its timeout, two failures of them, and a loaded machine. */
const VERDICT_MS = 4_000;
/** What the bus may take to be whole again after an outage: a lease, an election, a first round of probes. */
const HEAL_MS = 6_000;

function configuration(fleet: Fleet): string {
  const services = { echo: fleet.members.map(({ port }) => ({ address: '127.0.0.1', port })) };
  const policy = {
    apiVersion: 'alb.networking.azure.io/v1',
    kind: 'HealthCheckPolicy',
    metadata: { name: 'echo', namespace: 'test' },
    spec: {
      targetRef: { group: '', kind: 'Service', name: 'echo' },
      default: {
        interval: '500ms',
        timeout: '500ms',
        healthyThreshold: 1,
        unhealthyThreshold: 2,
        protocol: 'WebSocket',
        websocket: { path: '/echo?probe' },
      },
    },
  };
  return `${manifests({ services })}\n---\n${JSON.stringify(policy)}`;
}

/** Losses whose backend was alive at the time. */
function unexplained(losses: readonly Loss[], gateways: readonly Gateway[], fleet: Fleet): string[] {
  const records = gateways.flatMap((gateway) => gateway.accessLog.records());
  return losses.flatMap(({ requestId, atMs, lastEchoMs, what }) => {
    const record = records.find(({ trackingId }) => trackingId === requestId);
    const member = fleet.members.find(({ port }) => port === record?.backendPort);
    if (member?.diedWithin(lastEchoMs - 1_000, atMs) === true) return [];
    return [`${what}; its record: ${JSON.stringify(record)}`];
  });
}

/** When the verdict about a hang must have reached the gateways, also with the bus out for a while. */
function verdictMs(hang: Span, outages: readonly Span[]): number {
  let atMs = hang.fromMs + VERDICT_MS;
  for (const { fromMs, toMs } of [...outages].sort((a, b) => a.fromMs - b.fromMs)) {
    if (fromMs < atMs) atMs = Math.max(atMs, toMs + HEAL_MS);
  }
  return atMs;
}

/** Whether a newcomer may have been sent to an endpoint between its hang and its verdict. */
function isExcused({ askedMs, answeredMs, status }: Newcomer, { fleet, busOutages }: World): boolean {
  if (status !== 504) return false;
  return fleet.members
    .flatMap(({ hangs }) => hangs)
    .some((hang) => hang.fromMs < answeredMs && askedMs < Math.min(verdictMs(hang, busOutages), hang.toMs));
}

/** Newcomers that asked while an endpoint hung whose verdict was known: where a wrong gateway would fail. */
function tested(newcomers: readonly Newcomer[], { fleet, busOutages }: World): number {
  const hangs = fleet.members.flatMap((member) => member.hangs);
  return newcomers.filter(({ askedMs }) =>
    hangs.some((hang) => askedMs > verdictMs(hang, busOutages) && askedMs < hang.toMs),
  ).length;
}

async function torment(world: World, random: Random): Promise<void> {
  const beganMs = performance.now();
  const lane = async ({ faults, restMs }: (typeof LANES)[number]): Promise<void> => {
    while (performance.now() < beganMs + DURATION_MS) {
      await delay(random.between(0, restMs));
      const fault = pickFault(faults, random);
      console.log(`${Math.round(performance.now() - beganMs)} ms: ${fault.name}`);
      await fault.run(world, random);
    }
  };
  await Promise.all(LANES.map(lane));
}

test('chaos', { timeout: DURATION_MS + 240_000 }, async () => {
  const random = new Random(seedOfRun());
  const fleet = await Fleet.start(BACKENDS);
  const redis = await RedisServer.start();
  const config = configuration(fleet);
  const startDaemon = () => Healthd.start(config, redis.url);
  const daemons = [await startDaemon(), await startDaemon()];
  const flags = {
    redis: redis.url,
    'answer-timeout': `${ANSWER_TIMEOUT_MS}ms`,
    'health-wait': '20s',
    'eject-time': '1s',
  };
  const gateways = [await Gateway.start({ config, flags }), await Gateway.start({ config, flags })];
  const world: World = { fleet, redis, daemons, startDaemon, busOutages: [] };
  try {
    const talkers = new Talkers(gateways, TALKERS);
    const newcomers = new Newcomers(gateways, 8);
    await torment(world, random);
    await newcomers.stop();
    await talkers.stop();
    for (const gateway of gateways) await gateway.settled(20_000);
    const failures = newcomers.all.filter(({ status }) => status !== 101);
    const bad = failures.filter((newcomer) => !isExcused(newcomer, world));
    const lost = unexplained(talkers.losses, gateways, fleet);
    console.log(
      `${newcomers.all.length} new connections, ${failures.length} of them 504 before a verdict; ` +
        `${tested(newcomers.all, world)} asked beside a hang whose verdict was known; ${talkers.echoes} echoes; ${talkers.losses.length} connections ended with their backend`,
    );
    expect(bad.slice(0, 5)).toEqual([]);
    expect(lost.slice(0, 5)).toEqual([]);
    expect(Math.max(...failures.map(({ askedMs, answeredMs }) => answeredMs - askedMs), 0)).toBeLessThan(
      ANSWER_TIMEOUT_MS + 3_000,
    );
    expect(tested(newcomers.all, world)).toBeGreaterThan(DURATION_MS / 1_000);
    expect(talkers.echoes).toBeGreaterThan(TALKERS * (DURATION_MS / 1_000));
    for (const gateway of gateways) await gateway.stop();
  } finally {
    for (const gateway of gateways) await gateway.kill();
    for (const daemon of daemons) await daemon.close();
    await fleet.close();
    await redis.close();
  }
});
