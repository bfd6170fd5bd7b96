import { Discovery } from '@sluice/shared/discovery/discovery';
import { createBoard, EndpointStatus } from '@sluice/shared/health/board';
import type { BusListener, BusSubscriber } from '@sluice/shared/health/bus';
import type { EndpointRecord, HealthStatus, StatusTable, TableChange } from '@sluice/shared/health/table';
import { createLogger, type Logger } from '@sluice/shared/log';
import type { ServiceSnapshot, TargetSnapshot } from '@sluice/shared/snapshot/snapshot';
import { aService } from '@sluice/shared/testing/snapshots';
import { beforeEach, expect, test, vi } from 'vitest';
import { HealthFeed } from './health-feed.js';
import { Membership } from './membership.js';

const ADDRESSES = 'ns/addresses/80';
const NAMED = 'ns/named/80';
const log = createLogger({ level: 'silent', name: 'test' });

const service = (name: string, type: TargetSnapshot['type'], host: string): ServiceSnapshot =>
  aService(name, { targets: [{ type, host, port: 80, draining: false }] });
const services = [service(ADDRESSES, 'address', '10.0.0.1'), service(NAMED, 'name', 'named')];

type Entry = readonly [service: string, address: string, status?: HealthStatus];
const entry = ([of, address, status = 'healthy']: Entry): readonly [string, EndpointRecord] => [
  `${of}/${address}:80`,
  { address, port: 80, status, why: '', sinceMs: 1, probedAtMs: 1, probeMs: 1 },
];
const table = (known: readonly string[], entries: readonly Entry[]): StatusTable => ({
  epoch: 1,
  version: 0,
  timestampMs: 1,
  publisher: 'test',
  services: new Set(known),
  endpoints: new Map(entries.map(entry)),
});
const change = (parts: Partial<TableChange>): TableChange => ({
  addServices: [],
  removeServices: [],
  set: [],
  remove: [],
  ...parts,
});

/** A bus that says what the test says. */
class Bus implements BusSubscriber {
  state = { fresh: false, reason: 'none yet', sinceMs: 0 };
  table: StatusTable | null = null;
  readonly stats = { lagMs: 0, reconnects: 0, rereads: 0, lastHeartbeatMs: 0 };
  listener: BusListener | undefined;

  start(listener: BusListener): void {
    this.listener = listener;
  }

  says(next: StatusTable): void {
    this.table = next;
    this.listener?.onTable(next);
    this.turns(true);
  }

  turns(fresh: boolean): void {
    this.state = { fresh, reason: fresh ? '' : 'silent', sinceMs: 0 };
    this.listener?.onState(this.state);
  }

  async close(): Promise<void> {}
}

/** Answers of the name, one look-up after the other; a look-up is made when the timers are run. */
const names = { addresses: ['10.0.1.1'] as string[] | null };
const timers = { pending: new Set<() => void>(), now: 0 };
beforeEach(() => {
  names.addresses = ['10.0.1.1'];
  timers.pending.clear();
});

async function settle(): Promise<void> {
  for (let round = 0; round < 5; round += 1) {
    timers.now += 10_000;
    for (const call of [...timers.pending]) {
      timers.pending.delete(call);
      call();
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function setUp(subscriber: Bus | null = new Bus(), feedLog: Logger = log) {
  const board = createBoard(16, 1);
  const ignore = (): void => {};
  const membership = new Membership({
    services,
    board,
    log,
    post: ignore,
    seen: () => Number.POSITIVE_INFINITY,
    onStatus: ignore,
    onFree: ignore,
  });
  const discovery = new Discovery({
    log,
    lookup: async () => {
      if (names.addresses === null) throw new Error('no such name');
      return names.addresses;
    },
    random: () => 0,
    timers: {
      nowMs: () => timers.now,
      after: (_delayMs, call) => {
        timers.pending.add(call);
        return () => timers.pending.delete(call);
      },
    },
  });
  const feed = new HealthFeed({ services, membership, subscriber, discovery, log: feedLog });
  feed.start();
  const state = () =>
    Object.fromEntries([...membership.members()].map(({ address, slot }) => [address, board.status(slot)]));
  return { feed, membership, state };
}
const { unknown, healthy, unhealthy, draining } = EndpointStatus;

test('without a bus, addresses and names are endpoints, all usable', async () => {
  const { state, feed } = setUp(null);
  await settle();
  await feed.lookedUp();
  expect(state()).toEqual({ '10.0.0.1': unknown, '10.0.1.1': unknown });
  names.addresses = ['10.0.1.2'];
  await settle();
  expect(state()).toEqual({ '10.0.0.1': unknown, '10.0.1.2': unknown });
  await feed.close();
});

test('before the first table likewise; from then on the table counts, and no name is looked up', async () => {
  const bus = new Bus();
  const { state, feed } = setUp(bus);
  await settle();
  expect(state()).toEqual({ '10.0.0.1': unknown, '10.0.1.1': unknown });
  bus.says(
    table(
      [ADDRESSES, NAMED],
      [
        [ADDRESSES, '10.0.0.1', 'unhealthy'],
        [ADDRESSES, '10.0.0.2'],
        [NAMED, '10.0.1.7'],
      ],
    ),
  );
  await feed.firstTable;
  const said = { '10.0.0.1': unhealthy, '10.0.0.2': healthy, '10.0.1.7': healthy };
  expect(state()).toEqual(said);
  names.addresses = ['10.0.1.9'];
  await settle();
  expect(state()).toEqual(said);
  await feed.close();
});

test('changes are taken one by one, also those of services', async () => {
  const bus = new Bus();
  const { state, feed } = setUp(bus);
  const first = table([ADDRESSES], [[ADDRESSES, '10.0.0.1']]);
  bus.says(first);
  const set = change({
    set: [entry([ADDRESSES, '10.0.0.1', 'draining']), entry([ADDRESSES, '10.0.0.2'])],
  });
  bus.listener?.onChange(set, first);
  expect(state()).toEqual({ '10.0.0.1': draining, '10.0.0.2': healthy });
  bus.listener?.onChange(change({ remove: [`${ADDRESSES}/10.0.0.1:80`] }), first);
  expect(state()).toEqual({ '10.0.0.2': healthy });
  bus.table = table(
    [ADDRESSES, NAMED],
    [
      [ADDRESSES, '10.0.0.2'],
      [NAMED, '10.0.1.1'],
    ],
  );
  bus.listener?.onChange(change({ addServices: [NAMED], set: [entry([NAMED, '10.0.1.1'])] }), bus.table);
  expect(state()).toEqual({ '10.0.0.2': healthy, '10.0.1.1': healthy });
  await feed.close();
});

test('what is no endpoint is passed over, whoever wrote it into the table', () => {
  const bus = new Bus();
  const { state, feed } = setUp(bus);
  const record = (address: string, port = 80): EndpointRecord => ({ ...entry([NAMED, '10.0.1.1'])[1], address, port });
  const strange: (readonly [string, EndpointRecord])[] = [
    [`${NAMED}/a","level":"fatal:80`, record('a","level":"fatal')],
    [`${NAMED}/[0:0::1]:80`, record('0:0::1')],
    [`${NAMED}/10.0.1.2:0`, record('10.0.1.2', 0)],
    [`${NAMED}/10.0.1.3:80`, record('10.0.1.4')],
    ['', record('10.0.1.5')],
  ];
  const first = table([NAMED], [[NAMED, '10.0.1.1']]);
  bus.says({ ...first, endpoints: new Map([...strange, ...first.endpoints]) });
  bus.listener?.onChange(change({ set: strange }), first);
  expect(state()).toEqual({ '10.0.0.1': unknown, '10.0.1.1': healthy });
  return feed.close();
});

test('a service that the table does not have keeps to its configuration', async () => {
  const bus = new Bus();
  const { state, feed } = setUp(bus);
  bus.says(table([NAMED], [[NAMED, '10.0.1.1']]));
  await settle();
  expect(state()).toEqual({ '10.0.0.1': unknown, '10.0.1.1': healthy });
  await feed.close();
});

test('a service that leaves the table, because another daemon leads by another configuration, is told once, and its return', async () => {
  const feedLog = createLogger({ level: 'silent', name: 'test' });
  const warn = vi.spyOn(feedLog, 'warn');
  const info = vi.spyOn(feedLog, 'info');
  const bus = new Bus();
  const { feed } = setUp(bus, feedLog);
  bus.says(table([ADDRESSES, NAMED], []));
  expect(warn).not.toHaveBeenCalled();
  for (let repeat = 0; repeat < 3; repeat += 1) bus.says(table([NAMED], []));
  expect(warn.mock.calls).toEqual([
    [{ services: [ADDRESSES], count: 1, publisher: 'test' }, expect.stringContaining('another configuration')],
  ]);
  info.mockClear();
  bus.says(table([ADDRESSES, NAMED], []));
  expect(info.mock.calls).toEqual([
    [{ services: [ADDRESSES], count: 1, publisher: 'test' }, expect.stringContaining('again')],
  ]);
  expect(warn).toHaveBeenCalledOnce();
  await feed.close();
});

test('while the bus is stale, names are looked up, and endpoints keep their status', async () => {
  const bus = new Bus();
  const { state, feed } = setUp(bus);
  bus.says(
    table(
      [ADDRESSES, NAMED],
      [
        [ADDRESSES, '10.0.0.1'],
        [NAMED, '10.0.1.1', 'unhealthy'],
        [NAMED, '10.0.1.2'],
      ],
    ),
  );
  names.addresses = null;
  bus.turns(false);
  await settle();
  const last = { '10.0.0.1': healthy, '10.0.1.1': unhealthy, '10.0.1.2': healthy };
  expect(state()).toEqual(last);
  names.addresses = ['10.0.1.1', '10.0.1.3'];
  await settle();
  expect(state()).toEqual({ '10.0.0.1': healthy, '10.0.1.1': unhealthy, '10.0.1.3': unknown });
  bus.turns(true);
  expect(state()).toEqual(last);
  names.addresses = ['10.0.1.4'];
  await settle();
  expect(state()).toEqual(last);
  await feed.close();
});

test('a fault in what it does is logged, not thrown', () => {
  const bus = new Bus();
  const { feed, membership } = setUp(bus);
  membership.replace = () => {
    throw new Error('a fault');
  };
  expect(() => bus.says(table([ADDRESSES], [[ADDRESSES, '10.0.0.1']]))).not.toThrow();
  return feed.close();
});

test('another configuration: new services are taken from the table, or looked up; what is gone is not heard of', async () => {
  const bus = new Bus();
  const { state, feed, membership } = setUp(bus);
  const [more, other] = [service('ns/more/80', 'address', '10.0.2.1'), service('ns/other/80', 'address', '10.0.3.1')];
  const down: Entry = [more.name, '10.0.2.2', 'unhealthy'];
  const said = table([ADDRESSES, NAMED, more.name], [[ADDRESSES, '10.0.0.1'], down]);
  bus.says(said);
  membership.configure([more, other]);
  feed.configure([more, other]);
  expect(state()).toEqual({ '10.0.0.1': healthy, '10.0.2.2': unhealthy, '10.0.3.1': unknown });
  feed.drop([more.name]);
  membership.retire([more.name]);
  bus.listener?.onChange(change({ set: [entry([more.name, '10.0.2.3'])] }), said);
  bus.says(said);
  expect(state()).toEqual({ '10.0.0.1': healthy, '10.0.3.1': unknown });
  await feed.close();
});

test('other targets of a service count at once without a bus, and while it is stale; a fresh one says itself when', async () => {
  const moved = service(ADDRESSES, 'address', '10.0.0.9');
  const without = setUp(null);
  without.feed.configure([moved]);
  expect(without.state()).toEqual({ '10.0.0.9': unknown });
  const bus = new Bus();
  const { state, feed } = setUp(bus);
  bus.says(table([ADDRESSES, NAMED], [[ADDRESSES, '10.0.0.1']]));
  feed.configure([moved]);
  expect(state()).toEqual({ '10.0.0.1': healthy });
  bus.turns(false);
  expect(state()).toEqual({ '10.0.0.9': unknown });
  bus.says(table([ADDRESSES, NAMED], [[ADDRESSES, '10.0.0.9', 'unhealthy']]));
  bus.turns(false);
  expect(state()).toEqual({ '10.0.0.9': unhealthy });
  await feed.close();
});
