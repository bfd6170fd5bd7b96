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
import { pickFault, type World } from '../support/chaos/faults.js';
import { Fleet, type Span } from '../support/chaos/fleet.js';
import { type Newcomer, Newcomers } from '../support/chaos/newcomers.js';
import { type Loss, Talkers } from '../support/chaos/talkers.js';
import { Gateway } from '../support/gateway.js';
import { HealthdProcess } from '../support/healthd.js';
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
const HEAL_MS = 8_000;

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

function overlaps({ fromMs, toMs }: Span, from: number, to: number): boolean {
  return fromMs <= to && toMs >= from;
}

/** Why a newcomer's failure is allowed; '' when it is not. */
function excuse({ askedMs, answeredMs, status }: Newcomer, { fleet, busOutages }: World): string {
  if (status !== 504) return '';
  for (const hang of fleet.members.flatMap(({ hangs }) => hangs)) {
    if (!overlaps(hang, askedMs, answeredMs)) continue;
    if (askedMs < hang.fromMs + VERDICT_MS) return 'sent to an endpoint between its hang and its verdict';
    if (busOutages.some((span) => overlaps(span, hang.fromMs - HEAL_MS, askedMs)))
      return 'no verdict could be published';
  }
  return '';
}

async function faults(world: World, random: Random): Promise<void> {
  const endMs = performance.now() + DURATION_MS;
  const lane = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const fault = pickFault(random);
      console.log(`${Math.round(DURATION_MS - (endMs - performance.now()))} ms: ${fault.name}`);
      await fault.run(world, random);
      await delay(random.between(0, 1_500));
    }
  };
  // Two at a time: faults must also meet each other.
  await Promise.all([lane(), lane()]);
}

test('chaos', { timeout: DURATION_MS + 240_000 }, async () => {
  const random = new Random(seedOfRun());
  const fleet = await Fleet.start(BACKENDS);
  const redis = await RedisServer.start();
  const config = configuration(fleet);
  const startDaemon = () => HealthdProcess.start({ config, redis: redis.url });
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
    await faults(world, random);
    await newcomers.stop();
    await talkers.stop();
    for (const gateway of gateways) await gateway.settled(20_000);
    const failures = newcomers.all.filter(({ status }) => status !== 101);
    const bad = failures.filter((newcomer) => excuse(newcomer, world) === '');
    const lost = unexplained(talkers.losses, gateways, fleet);
    console.log(
      `${newcomers.all.length} new connections, ${failures.length} of them 504 before a verdict; ` +
        `${talkers.echoes} echoes; ${talkers.losses.length} connections ended with their backend`,
    );
    expect(bad.slice(0, 5)).toEqual([]);
    expect(lost.slice(0, 5)).toEqual([]);
    expect(Math.max(...failures.map(({ askedMs, answeredMs }) => answeredMs - askedMs), 0)).toBeLessThan(
      ANSWER_TIMEOUT_MS + 3_000,
    );
    expect(talkers.echoes).toBeGreaterThan(TALKERS * (DURATION_MS / 1_000));
    for (const gateway of gateways) await gateway.stop();
  } finally {
    for (const gateway of gateways) await gateway.kill();
    for (const daemon of daemons) await daemon.kill();
    await fleet.close();
    await redis.close();
  }
});
