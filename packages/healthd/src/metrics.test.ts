import type { HealthStatus } from '@sluice/shared/health/table';
import { describe, expect, it } from 'vitest';
import { createHealthdMetrics, type HealthdMetrics, type HealthdMetricsSources } from './metrics.js';

const SOURCES: HealthdMetricsSources = {
  version: '1.2.3',
  services: () => ['ns/a/80', 'ns/b/80'],
  endpoints: () =>
    (['healthy', 'unhealthy', 'healthy'] as HealthStatus[]).map((status) => ({ service: 'ns/a/80', status })),
  publisher: { leading: true, epoch: 17 },
  probesRunning: () => 3,
  configuration: () => undefined,
};

async function lines({ families }: HealthdMetrics, name: string): Promise<string[]> {
  return (await (await families.page()).text()).split('\n').filter((line) => line.startsWith(name));
}

describe('metrics of healthd', () => {
  it('of a service that is gone are gone, and nothing else', async () => {
    const metrics = createHealthdMetrics(SOURCES);
    for (const service of ['ns/a/80', 'ns/b/80']) {
      metrics.probed(service, 'failed', 1, 1);
      metrics.probed(service, 'succeeded', 1);
      metrics.resolveFailed(service);
    }
    metrics.forget(['ns/a/80', 'ns/c/80']);
    const page = await (await metrics.families.page()).text();
    const of = (service: string) => page.split('\n').filter((line) => line.includes(`service="${service}"`));
    expect(of('ns/a/80').filter((line) => !line.startsWith('sluice_endpoints'))).toEqual([]);
    expect(of('ns/b/80').filter((line) => /_total/.test(line))).toHaveLength(3);
  });

  it('say what came of reloads, when the configuration is its own', async () => {
    const counts = { applied: 2, unchanged: 1, refused: 3 };
    const last = { atMs: 1500, result: 'refused' } as const;
    const configuration = () => ({ version: 'abc', counts, last });
    const own = createHealthdMetrics({ ...SOURCES, configuration });
    expect(await lines(own, 'sluice_config_')).toEqual([
      'sluice_config_info{version="abc"} 1',
      'sluice_config_reloads_total{result="applied"} 2',
      'sluice_config_reloads_total{result="unchanged"} 1',
      'sluice_config_reloads_total{result="refused"} 3',
      'sluice_config_last_reload_success 0',
      'sluice_config_last_reload_timestamp_seconds 1.5',
    ]);
    expect(await lines(createHealthdMetrics(SOURCES), 'sluice_config_')).toEqual([]);
  });

  it('count probes by service and result', async () => {
    const metrics = createHealthdMetrics(SOURCES);
    for (const ms of [1, 30_000, 30_001]) metrics.probed('ns/a/80', 'failed', ms);
    metrics.probed('ns/a/80', 'succeeded', 2, 0.5);
    expect(await lines(metrics, 'sluice_probes_total{')).toEqual([
      'sluice_probes_total{service="ns/a/80",result="failed"} 3',
      'sluice_probes_total{service="ns/a/80",result="succeeded"} 1',
    ]);
    const [first, ...rest] = await lines(metrics, 'sluice_probe_duration_seconds_bucket');
    expect(first).toBe('sluice_probe_duration_seconds_bucket{le="0.001",service="ns/a/80"} 1');
    expect(rest.slice(-2)).toEqual([
      'sluice_probe_duration_seconds_bucket{le="30",service="ns/a/80"} 3',
      'sluice_probe_duration_seconds_bucket{le="+Inf",service="ns/a/80"} 4',
    ]);
    expect(await lines(metrics, 'sluice_probe_ping_seconds_count')).toEqual([
      'sluice_probe_ping_seconds_count{service="ns/a/80"} 1',
    ]);
  });

  it('show every service of the configuration in every status', async () => {
    const metrics = createHealthdMetrics(SOURCES);
    const endpoints = await lines(metrics, 'sluice_endpoints{');
    expect(endpoints.length).toBe(8);
    expect(endpoints).toContain('sluice_endpoints{service="ns/a/80",status="healthy"} 2');
    expect(endpoints).toContain('sluice_endpoints{service="ns/b/80",status="healthy"} 0');
  });

  it('show no endpoints while another daemon leads: what this one knows of them is old', async () => {
    const standby = createHealthdMetrics({ ...SOURCES, publisher: { leading: false, epoch: 0 } });
    expect(await lines(standby, 'sluice_endpoints{')).toEqual([]);
  });

  it('say who leads, and the epoch only while it does', async () => {
    expect(await lines(createHealthdMetrics(SOURCES), 'sluice_leader')).toEqual([
      'sluice_leader 1',
      'sluice_leader_epoch 17',
    ]);
    const standby = createHealthdMetrics({ ...SOURCES, publisher: { leading: false, epoch: 0 } });
    expect(await lines(standby, 'sluice_leader')).toEqual(['sluice_leader 0']);
  });

  it('count failed look-ups', async () => {
    const metrics = createHealthdMetrics(SOURCES);
    metrics.resolveFailed('ns/b/80');
    metrics.resolveFailed('ns/b/80');
    expect(await lines(metrics, 'sluice_resolve_failures_total{')).toEqual([
      'sluice_resolve_failures_total{service="ns/b/80"} 2',
    ]);
  });
});
