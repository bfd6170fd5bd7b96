/** What probing costs: 1 000 endpoints every 5 s, by real HTTP probes, take less than 0.3 of a core; none is left out. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { EmbeddedHealthd, HealthRecord } from '../support/healthd.js';
import { ProbedBackend } from '../support/healthd-backend.js';
import { probedServices } from '../support/healthd-manifests.js';
import { cpuMs, openDescriptors, residentBytes } from '../support/process-stats.js';

const ENDPOINTS = 1000;
const INTERVAL_S = 5;
const MEASURED_MS = 15_000;
const CORES_MAX = 0.3;

test(`${ENDPOINTS} endpoints every ${INTERVAL_S} s`, async () => {
  // One server takes connections to every address of 127.0.0.0/8.
  const backend = await ProbedBackend.start('0.0.0.0');
  const endpoints = Array.from({ length: ENDPOINTS }, (_, index) => ({
    address: `127.1.${index >> 8}.${index & 255}`,
  }));
  const policy = { interval: `${INTERVAL_S}s`, timeout: '2s', healthyThreshold: 1, unhealthyThreshold: 2 };
  const slice = { type: 'IPv4', port: backend.port, endpoints } as const;
  const daemon = EmbeddedHealthd.start(probedServices({ name: 'many', slice, policy }));
  const record = new HealthRecord(daemon);
  try {
    for (const { address } of endpoints) await record.shows(`${address}:${backend.port}`, { status: 'healthy' });
    // The first round is done at once, and everything is compiled.
    await delay(INTERVAL_S * 1000);
    const before = { cpu: cpuMs(daemon.pid), ms: performance.now(), requests: backend.requests };
    await delay(MEASURED_MS);
    const elapsedMs = performance.now() - before.ms;
    const cores = (cpuMs(daemon.pid) - before.cpu) / elapsedMs;
    const probes = backend.requests - before.requests;
    const each = `${probes} probes in ${Math.round(elapsedMs)} ms, ${Math.round((cores * elapsedMs * 1000) / probes)} µs each`;
    const held = `${Math.round(residentBytes(daemon.pid) / 1e6)} MB, ${openDescriptors(daemon.pid)} descriptors`;
    console.log(`${cores.toFixed(3)} cores, ${each}, ${held}`);
    expect(probes).toBeGreaterThan((0.9 * ENDPOINTS * elapsedMs) / (INTERVAL_S * 1000));
    expect(cores).toBeLessThan(CORES_MAX);
    expect([...(record.subscriber.table?.endpoints.values() ?? [])].every(({ status }) => status === 'healthy')).toBe(
      true,
    );
  } finally {
    const ended = once(daemon.child, 'exit');
    daemon.child.disconnect();
    await ended;
    await daemon.close();
    await record.close();
    await backend.close();
  }
});
