/** Which backend a handshake reaches: hosts, listeners, paths, their precedence; weights; references that dangle. */
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { upgradeHead } from '../support/heads.js';
import type { Address } from '../support/raw-client.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway, withGateway } from '../support/scenario.js';

const NAMES = ['exact', 'wild', 'deep', 'any', 'root', 'foo', 'bar', 'old', 'second'] as const;
type Name = (typeof NAMES)[number];

async function backends(): Promise<Record<Name, EchoBackend>> {
  const started = await Promise.all(NAMES.map(async (name) => [name, await EchoBackend.start()] as const));
  return Object.fromEntries(started) as Record<Name, EchoBackend>;
}

const running = sharedGateway(backends, (services) => ({
  config: {
    listeners: [
      { name: 'web', port: 80 },
      { name: 'own', port: 81, hostname: '*.own.test' },
    ],
    services: Object.fromEntries(Object.entries(services).map(([name, backend]) => [name, [backend]])),
    routes: [
      { section: 'web', hostnames: ['a.example.test'], rules: [{ backends: ['exact'] }] },
      { section: 'web', hostnames: ['*.example.test'], rules: [{ backends: ['wild'] }] },
      { section: 'web', hostnames: ['*.deep.example.test'], rules: [{ backends: ['deep'] }] },
      {
        section: 'web',
        hostnames: ['paths.test'],
        rules: [
          { prefix: '/', backends: ['root'] },
          { prefix: '/foo', backends: ['foo'] },
          { exact: '/foo/bar', backends: ['bar'] },
        ],
      },
      {
        section: 'web',
        hostnames: ['age.test'],
        rules: [{ backends: ['root'] }],
        creationTimestamp: '2026-02-01T00:00:00Z',
      },
      {
        section: 'web',
        hostnames: ['age.test'],
        rules: [{ backends: ['old'] }],
        creationTimestamp: '2026-01-01T00:00:00Z',
      },
      { section: 'web', rules: [{ prefix: '/any', backends: ['any'] }] },
      { section: 'own', rules: [{ backends: ['second'] }] },
    ],
  },
}));

interface Case {
  readonly host: string;
  readonly path: string;
  readonly to: Name | 404;
  readonly listener?: string;
}
const cases: Case[] = [
  { host: 'a.example.test', path: '/', to: 'exact' },
  { host: 'A.Example.TEST:8080', path: '/', to: 'exact' },
  { host: 'b.example.test', path: '/', to: 'wild' },
  { host: 'b.c.example.test', path: '/', to: 'wild' },
  { host: 'x.deep.example.test', path: '/', to: 'deep' },
  { host: 'deep.example.test', path: '/', to: 'wild' },
  { host: 'example.test', path: '/', to: 404 },
  { host: 'example.test', path: '/any', to: 'any' },
  { host: 'paths.test', path: '/', to: 'root' },
  { host: 'paths.test', path: '/foo', to: 'foo' },
  { host: 'paths.test', path: '/foo/', to: 'foo' },
  { host: 'paths.test', path: '/foo/baz', to: 'foo' },
  { host: 'paths.test', path: '/foo/bar', to: 'bar' },
  { host: 'paths.test', path: '/foo/bar?query=1', to: 'bar' },
  { host: 'paths.test', path: '/foo/bar/', to: 'foo' },
  { host: 'paths.test', path: '/foobar', to: 'root' },
  { host: 'age.test', path: '/', to: 'old' },
  { host: '127.0.0.1', path: '/any', to: 'any' },
  { host: '[::1]', path: '/any', to: 'any' },
  { host: 'x.own.test', path: '/', to: 'second', listener: 'own' },
  { host: 'a.example.test', path: '/', to: 404, listener: 'own' },
];

test.each(cases)('$host$path goes to $to', async ({ host, path, to, listener = 'web' }) => {
  const { gateway, backends: all } = running();
  const before = new Map(NAMES.map((name) => [name, all[name].requests]));
  const { client, answer } = await RawClient.request(gateway.listener(listener), upgradeHead({ host, target: path }));
  client.destroy();
  expect(answer.status).toBe(to === 404 ? 404 : 101);
  const reached = NAMES.filter((name) => all[name].requests > (before.get(name) ?? 0));
  expect(reached).toEqual(to === 404 ? [] : [to]);
});

/** How many of `count` handshakes got each status. */
async function tally(to: Address, count: number): Promise<Record<number, number>> {
  const seen: Record<number, number> = {};
  const one = async () => {
    const { client, answer } = await RawClient.request(to, upgradeHead());
    seen[answer.status] = (seen[answer.status] ?? 0) + 1;
    client.destroy();
  };
  const lane = async () => {
    for (let done = 0; done < count / 20; done += 1) {
      await one();
    }
  };
  await Promise.all(Array.from({ length: 20 }, lane));
  return seen;
}

test('weights 90 to 10, and 0', async () => {
  const [many, few, none] = await Promise.all([1, 2, 3].map(() => EchoBackend.start({ record: false })));
  if (!many || !few || !none) {
    throw new Error('unreachable');
  }
  const refs = [
    { service: 'many', weight: 90 },
    { service: 'few', weight: 10 },
    { service: 'none', weight: 0 },
  ];
  const config = {
    services: { many: [many], few: [few], none: [none] },
    routes: [{ rules: [{ backends: refs }] }],
  };
  await withGateway(
    { config },
    async (gateway) => {
      expect(await tally(gateway, 1_000)).toEqual({ 101: 1_000 });
      expect(few.requests).toBeGreaterThan(60);
      expect(few.requests).toBeLessThan(140);
      expect(many.requests + few.requests).toBe(1_000);
      expect(none.requests).toBe(0);
    },
    [many, few, none],
  );
});

test('a backendRef that does not resolve answers 500 for its share', async () => {
  const backend = await EchoBackend.start({ record: false });
  const refs = [
    { service: 'echo', weight: 3 },
    { service: 'missing', weight: 1 },
  ];
  const config = { services: { echo: [backend] }, routes: [{ rules: [{ backends: refs }] }] };
  await withGateway(
    { config },
    async (gateway) => {
      const { 101: served = 0, 500: refused = 0 } = await tally(gateway, 400);
      expect(served + refused).toBe(400);
      expect(refused).toBeGreaterThan(60);
      expect(refused).toBeLessThan(140);
    },
    [backend],
  );
});

test('when all weights are 0: 500', async () => {
  const backend = await EchoBackend.start();
  const config = {
    services: { echo: [backend] },
    routes: [{ rules: [{ backends: [{ service: 'echo', weight: 0 }] }] }],
  };
  await withGateway({ config }, async (gateway) => expect(await tally(gateway, 20)).toEqual({ 500: 20 }), [backend]);
});

test('an IPv6 endpoint', async () => {
  const backend = await EchoBackend.start({ address: '::1' });
  await withGateway(
    { config: { services: { echo: [backend] } } },
    async (gateway) => expect(await tally(gateway, 20)).toEqual({ 101: 20 }),
    [backend],
  );
});
