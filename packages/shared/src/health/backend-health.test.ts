import { describe, expect, it } from 'vitest';
import { type BackendHealthSources, backendHealth, type EndpointHealth } from './backend-health.js';

function endpoint(
  address: string,
  status: EndpointHealth['status'],
  more: Partial<EndpointHealth> = {},
): EndpointHealth {
  return { address, port: 8080, status, why: '', sinceMs: 0, probedAtMs: 0, probeMs: 0, ...more };
}

const WHY = 'probe GET / answered 426; a WebSocket server wants `protocol: WebSocket`';
const SOURCES: BackendHealthSources = {
  services: () => [
    {
      service: 'ns/chat/80',
      endpoints: [
        endpoint('10.1.1.22', 'healthy'),
        endpoint('10.1.1.23', 'unhealthy', { why: WHY, sinceMs: 1000, probedAtMs: 2000, probeMs: 1.5 }),
        endpoint('10.1.1.24', 'draining'),
        endpoint('fd00::1', 'unknown', { activeConnections: 3, ejectedForMs: 250 }),
      ],
    },
    { service: 'ns/empty/81', endpoints: [] },
  ],
};

function ask(query: string, sources = SOURCES): { status: number; body: unknown } {
  const { status, body } = backendHealth(sources, new URLSearchParams(query));
  return { status, body: JSON.parse(body) };
}

const CHAT = { totalEndpoints: 4, totalHealthyEndpoints: 1, totalUnhealthyEndpoints: 1 };
const EMPTY = { totalEndpoints: 0, totalHealthyEndpoints: 0, totalUnhealthyEndpoints: 0 };

describe('/backendHealth', () => {
  it('gives totals alone by default, as the reference does', () => {
    expect(ask('')).toEqual({
      status: 200,
      body: {
        services: [
          { serviceName: 'ns/chat/80', serviceHealth: [CHAT] },
          { serviceName: 'ns/empty/81', serviceHealth: [EMPTY] },
        ],
      },
    });
  });

  it('is not broken by a moment that no calendar has', () => {
    const odd = endpoint('10.1.1.22', 'healthy', { sinceMs: 1e300, probedAtMs: Number.MAX_VALUE });
    const services = () => [{ service: 'ns/chat/80', endpoints: [odd] }];
    expect(JSON.stringify(ask('detailed=true', { services }).body)).toContain('"since":null,"lastProbe":null');
  });

  it('answers for one service', () => {
    expect(ask('service-name=ns/empty/81').body).toEqual({
      services: [{ serviceName: 'ns/empty/81', serviceHealth: [EMPTY] }],
    });
  });

  it.each(['ns/other/80', 'chat', ''])('has no service %j', (name) => {
    const { status, body } = ask(`service-name=${name}`);
    expect(status).toBe(404);
    expect(body).toEqual({ error: expect.stringContaining('namespace/service/port') });
  });

  it('says of each endpoint what is known, in detail', () => {
    const { body } = ask('service-name=ns/chat/80&detailed=true');
    const unprobed = { why: '', since: null, lastProbe: null, lastProbeMs: null };
    expect(body).toEqual({
      services: [
        {
          serviceName: 'ns/chat/80',
          serviceHealth: [
            {
              ...CHAT,
              endpoints: [
                { address: '10.1.1.22', port: 8080, health: { status: 'HEALTHY', ...unprobed } },
                {
                  address: '10.1.1.23',
                  port: 8080,
                  health: {
                    status: 'UNHEALTHY',
                    why: WHY,
                    since: '1970-01-01T00:00:01.000Z',
                    lastProbe: '1970-01-01T00:00:02.000Z',
                    lastProbeMs: 1.5,
                  },
                },
                { address: '10.1.1.24', port: 8080, health: { status: 'DRAINING', ...unprobed } },
                {
                  address: 'fd00::1',
                  port: 8080,
                  health: { status: 'UNKNOWN', ...unprobed },
                  activeConnections: 3,
                  ejected: true,
                  ejectedForMs: 250,
                },
              ],
            },
          ],
        },
      ],
    });
  });

  it('says when it may be old, and in detail always', () => {
    const bus = (fresh: boolean): BackendHealthSources => ({
      services: () => [],
      bus: () => ({ fresh, reason: fresh ? '' : 'no heartbeat for 3 s', sinceMs: 5000 }),
    });
    const since = '1970-01-01T00:00:05.000Z';
    expect(ask('', bus(true)).body).toEqual({ services: [] });
    expect(ask('', bus(false)).body).toEqual({
      services: [],
      healthBus: { fresh: false, reason: 'no heartbeat for 3 s', since },
    });
    expect(ask('detailed=true', bus(true)).body).toEqual({
      services: [],
      healthBus: { fresh: true, reason: '', since },
    });
  });
});
