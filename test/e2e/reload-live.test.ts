/** Live connections and listening sockets while the configuration changes: what stays standing is not touched. */
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import type { Gateway } from '../support/gateway.js';
import { EchoLoad } from '../support/load.js';
import type { Description, RouteDescription } from '../support/manifests.js';
import { type Address, RawClient } from '../support/raw-client.js';
import { applied, attempted, listenerOf, replaceConfig } from '../support/reloading.js';
import { withGateway } from '../support/scenario.js';

const PORTS = { 'port-map': '80=0,81=0' };

function route(name: string, backend = name, more: Partial<RouteDescription> = {}): RouteDescription {
  return { name, rules: [{ prefix: `/${name}`, backends: [backend] }], ...more };
}

async function two(): Promise<{ first: EchoBackend; second: EchoBackend }> {
  return { first: await EchoBackend.start({ record: false }), second: await EchoBackend.start({ record: false }) };
}

function openAt(gateway: Address, name: string): Promise<RawClient> {
  return RawClient.upgrade(gateway, { target: `/${name}` });
}

async function echoes(client: RawClient): Promise<void> {
  await client.write('still here');
  expect((await client.read(10)).toString()).toBe('still here');
}

test('connections talk on through routes that come, change and go, services and listeners too', async () => {
  const backends = await two();
  const services = { first: [backends.first], second: [backends.second] };
  const base: Description = { services, routes: [route('all', 'first', { rules: [{ backends: ['first'] }] })] };
  const others: readonly Description[] = [
    { services, routes: [...(base.routes ?? []), route('second')] },
    { services, routes: [{ name: 'all', rules: [{ prefix: '/other', backends: ['second', 'first'] }] }] },
    { ...base, listeners: [{}, { name: 'more', port: 81 }] },
    { services: { second: [backends.second] }, routes: [route('second')] },
    { ...base, balancing: { first: { strategy: 'least-request' } } },
  ];
  await withGateway(
    { config: base, flags: PORTS },
    async (gateway) => {
      const load = await EchoLoad.start(gateway, 20);
      for (const other of others) {
        await applied(gateway, () => replaceConfig(gateway, other));
        await load.proceed(20);
        await applied(gateway, () => replaceConfig(gateway, base));
        await load.proceed(20);
      }
      await load.stop();
    },
    Object.values(backends),
  );
});

test('a listener that stays is never bound anew: of a storm of clients none is refused', async () => {
  const backends = await two();
  const services = { first: [backends.first] };
  const routes = [route('first')];
  const one: Description = { services, routes };
  const both: Description = { services, routes, listeners: [{}, { name: 'more', port: 81 }] };
  await withGateway(
    { config: one, flags: PORTS },
    async (gateway) => {
      let [over, connects] = [false, 0];
      const failures: unknown[] = [];
      const lanes = Array.from({ length: 8 }, async () => {
        while (!over) {
          connects += 1;
          await openAt(gateway, 'first').then(
            (client) => client.destroy(),
            (error: unknown) => failures.push(error),
          );
        }
      });
      for (let round = 0; round < 10; round += 1) {
        await applied(gateway, () => replaceConfig(gateway, both));
        const more = await listenerOf(gateway, 'more');
        const client = await openAt(more, 'first');
        await applied(gateway, () => replaceConfig(gateway, one));
        await expect(openAt(more, 'first')).rejects.toThrow('ECONNREFUSED');
        await echoes(client);
        client.destroy();
      }
      over = true;
      await Promise.all(lanes);
      expect(failures).toEqual([]);
      expect(connects).toBeGreaterThan(100);
      expect((await listenerOf(gateway, 'http')).port).toBe(gateway.port);
    },
    Object.values(backends),
  );
});

test('a port that cannot be bound refuses the change as a whole; when it is free, SIGHUP makes it', async () => {
  const { first, second } = await two();
  // The backend itself holds the port.
  const flags = { 'port-map': `80=0,81=${second.port}` };
  const services = { first: [first] };
  await withGateway(
    { config: { services, routes: [route('first')] }, flags, expectErrors: true },
    async (gateway) => {
      const client = await openAt(gateway, 'first');
      const both: Description = {
        services,
        routes: [route('other', 'first')],
        listeners: [{}, { name: 'more', port: 81 }],
      };
      const { lastAttempt } = await attempted(gateway, 'refused', () => replaceConfig(gateway, both));
      expect(lastAttempt.issues).toEqual([
        expect.stringMatching(
          `cannot be put in force: cannot listen on 127.0.0.1:${second.port}: address already in use`,
        ),
      ]);
      await echoes(client);
      (await openAt(gateway, 'first')).destroy();
      await second.close();
      const page = await applied(gateway, () => gateway.child.kill('SIGHUP'));
      expect(page.listeners).toMatchObject([{ listener: 'http' }, { listener: 'more', port: second.port }]);
      (await openAt({ address: '127.0.0.1', port: second.port }, 'other')).destroy();
      await echoes(client);
      client.destroy();
      // With the first configuration again, and its descriptors.
      await applied(gateway, () => replaceConfig(gateway, { services, routes: [route('first')] }));
    },
    [first],
  );
});

test('endpoints of a service that are other ones: new connections go there, old ones stay', async () => {
  const { first, second } = await two();
  const config = (backend: EchoBackend): Description => ({ services: { echo: [backend] } });
  await withGateway(
    { config: config(first) },
    async (gateway) => {
      const old = await RawClient.upgrade(gateway);
      await applied(gateway, () => replaceConfig(gateway, config(second)));
      await eventually(async () => {
        const before = second.requests;
        (await RawClient.upgrade(gateway)).destroy();
        expect(second.requests).toBe(before + 1);
      });
      await echoes(old);
      old.destroy();
    },
    [first, second],
  );
});

describe('connections of a route that is removed', () => {
  const annotated = (live: string, more = {}): Partial<RouteDescription> => ({
    annotations: { 'sluice.dev/live-connections': live, 'sluice.dev/close-window': '0s', ...more },
  });

  async function removed(
    gone: Partial<RouteDescription>,
    body: (gateway: Gateway, client: RawClient) => Promise<void>,
  ) {
    const backends = await two();
    const services = { first: [backends.first], second: [backends.second] };
    const whole = { services, routes: [route('first', 'first', gone), route('second', 'first')] };
    await withGateway(
      { config: whole },
      async (gateway) => {
        const client = await openAt(gateway, 'first');
        const other = await openAt(gateway, 'second');
        await applied(gateway, () => replaceConfig(gateway, { services, routes: [route('second', 'first')] }));
        await body(gateway, client);
        await echoes(other);
        other.destroy();
      },
      Object.values(backends),
    );
  }

  test('are kept without a word about them', async () => {
    await removed({}, async (_, client) => {
      await echoes(client);
      client.destroy();
    });
  });

  test('close: are closed, and the record says why', async () => {
    await removed(annotated('close'), async (gateway, client) => {
      await client.outcome();
      expect((await gateway.accessLog.recordOf('/first')).closeReason).toBe('route-removed');
    });
  });

  test('drain: go on until the deadline', async () => {
    await removed(annotated('drain', { 'sluice.dev/drain-deadline': '4s' }), async (gateway, client) => {
      await echoes(client);
      await client.outcome();
      expect((await gateway.accessLog.recordOf('/first')).closeReason).toBe('route-removed');
    });
  });

  test('drain: are kept when the route comes back, and those of another that does not end', async () => {
    const first = await EchoBackend.start({ record: false });
    const draining = annotated('drain', { 'sluice.dev/drain-deadline': '5s' });
    const [back, gone, stays] = [route('back', 'first', draining), route('gone', 'first', draining), route('first')];
    const routes = (...all: readonly RouteDescription[]): Description => ({
      services: { first: [first] },
      routes: all,
    });
    await withGateway(
      { config: routes(back, gone, stays) },
      async (gateway) => {
        const [kept, ended] = [await openAt(gateway, 'back'), await openAt(gateway, 'gone')];
        await applied(gateway, () => replaceConfig(gateway, routes(stays)));
        await applied(gateway, () => replaceConfig(gateway, routes(back, stays)));
        await echoes(kept);
        await ended.outcome();
        // Its moment was the same one; another reload lets it pass in every worker.
        await applied(gateway, () => replaceConfig(gateway, routes(back)));
        await echoes(kept);
        kept.destroy();
      },
      [first],
    );
  });
});

test('connections of a listener that is removed end as its Gateway says; those accepted but silent are answered', async () => {
  const backends = await two();
  const services = { first: [backends.first] };
  const annotations = { 'sluice.dev/live-connections': 'close', 'sluice.dev/close-window': '0s' };
  const both: Description = {
    services,
    routes: [route('first')],
    listeners: [{}, { name: 'more', port: 81 }],
    gatewayAnnotations: annotations,
  };
  await withGateway(
    { config: both, flags: PORTS },
    async (gateway) => {
      const more = gateway.listener('more');
      const [kept, ended] = [await openAt(gateway, 'first'), await openAt(more, 'first')];
      const silent = connect({ host: more.address, port: more.port });
      await eventually(async () => {
        expect((await gateway.admin('/metrics')).body).toContain('sluice_connections_spliced 2\n');
      });
      await applied(gateway, () => replaceConfig(gateway, { ...both, listeners: [{}] }));
      await ended.outcome();
      await echoes(kept);
      silent.end('GET /first HTTP/1.1\r\nHost: a\r\n\r\n');
      await new Promise((resolve) => silent.on('close', resolve).resume());
      kept.destroy();
      const reasons = async () => (await gateway.accessLog.records()).map(({ closeReason }) => closeReason);
      await eventually(async () => expect(await reasons()).toContain('listener-removed'));
    },
    Object.values(backends),
  );
});
