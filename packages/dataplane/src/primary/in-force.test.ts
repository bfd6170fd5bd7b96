import type { CompiledConfiguration } from '@sluice/shared/configuration/compiled';
import { encodeRemovals, removalsOf } from '@sluice/shared/configuration/removals';
import { DEFAULT_REMOVAL } from '@sluice/shared/snapshot/service-policy';
import { NO_MATERIAL } from '@sluice/shared/snapshot/tls';
import { encodeSnapshot } from '@sluice/shared/snapshot/view';
import { aBackend, aListener, aMatch, aRule, aService, aSnapshot } from '@sluice/shared/testing/snapshots';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { parseArguments } from '../cli/command-line.js';
import type { ListenOptions } from '../engine/binding.js';
import type { ToWorker } from '../worker/messages.js';
import { InForce } from './in-force.js';

const CLOSE = { ...DEFAULT_REMOVAL, action: 'close' } as const;
/** Everything that is asked of the engine, of health and of the workers, in order. */
const calls: string[] = [];
const errors: string[] = [];
/** The oldest revision that a worker goes by, and what is to go wrong. */
const state = { seen: 0, busy: 0, broken: '', sockets: 0 };
let held: (() => void) | undefined;

beforeEach(() => {
  calls.length = 0;
  errors.length = 0;
  Object.assign(state, { seen: 0, busy: 0, broken: '', sockets: 0 });
  held = undefined;
});
afterEach(() => {
  vi.useRealTimers();
});

const native = {
  listen: ({ port }: ListenOptions) => {
    if (port === state.busy) throw Object.assign(new Error('busy'), { code: 'EADDRINUSE' });
    calls.push(`listen ${port}`);
    state.sockets += 1;
    return { listener: state.sockets, port };
  },
  listenerAdmit: (listener: number) => calls.push(`admit ${listener}`) > 0,
  listenerClose: (listener: number) => calls.push(`close ${listener}`) > 0,
  listenerIdentify: () => true,
  listenerTls: () => {},
  tlsServerContext: () => 1,
  tlsClientContext: () => 2,
  tlsContextRelease: () => {},
  tlsTicketKeys: () => {},
  engineEndOwner: (_: number, owner: number, reason: string) =>
    void calls.push(`end ${String.fromCharCode(owner)} ${reason}`),
  engineKeepOwner: () => {},
};

const health = {
  configure: async () => {
    calls.push('configure');
    if (state.broken === 'configure') throw new Error('configure is broken');
    if (state.broken === 'held') await new Promise<void>((resolve) => (held = resolve));
  },
  retire: async (names: readonly string[], wanted: (name: string) => boolean) => {
    if (state.broken === 'retire') throw new Error('retire is broken');
    calls.push(`retire ${names.filter((name) => !wanted(name)).join()}`);
  },
};

/** One listener a port; a service is a route of its own name to it. */
function configuration(ports: readonly number[], services: readonly string[]): CompiledConfiguration {
  const matches = services.map((_, rule) => aMatch(rule));
  const snapshot = aSnapshot({
    listeners: ports.map((port) => aListener({ name: `l${port}`, port, hosts: [{ hostname: '', matches }] })),
    rules: services.map((name, service) => aRule(name, { backends: [aBackend(service)] })),
    routes: services.map((name) => ({ name, removal: CLOSE })),
    services: services.map((name) => aService(name)),
  });
  const removals = encodeRemovals(removalsOf(snapshot, (_, route) => route.charCodeAt(0)));
  const said = { material: NO_MATERIAL, credentials: [], issues: [], files: [], elapsedMs: 0 };
  const rest = { ...said, version: '', probedServices: '', statuses: '[]' };
  return { type: 'compiled', snapshot: encodeSnapshot(snapshot), removals, ...rest };
}

function setUp(first = configuration([80], ['a'])): InForce {
  const invocation = parseArguments(['serve', '--config', 'a', '--bind', '127.0.0.1'], {}, '1');
  if (invocation?.command !== 'serve') throw new Error('no options');
  const nothing = (): void => {};
  const log = { info: nothing, warn: nothing, error: (_: unknown, message: string) => void errors.push(message) };
  const { options } = invocation;
  const memory = { update: nothing };
  const inForce = new InForce({ options, native, engines: [0], log: log as never, memory, first });
  inForce.begin({
    health,
    post: (message: ToWorker) =>
      void calls.push(message.type === 'snapshot' ? `post ${message.revision}` : message.type),
    seen: () => state.seen,
  });
  calls.length = 0;
  return inForce;
}

async function applied(inForce: InForce, configuration: CompiledConfiguration): Promise<void> {
  const change = inForce.apply(configuration);
  while (!calls.some((call) => call.startsWith('post'))) await new Promise(setImmediate);
  see(inForce, inForce.told.revision);
  await change;
}

function see(inForce: InForce, revision: number): void {
  state.seen = revision;
  inForce.onSeen();
}

test('endpoints come before the snapshot; ports open, close and services go when every worker has seen it', async () => {
  const inForce = setUp();
  const change = inForce.apply(configuration([81], ['b']));
  while (!calls.includes('post 1')) await new Promise(setImmediate);
  expect(calls.splice(0)).toEqual(['listen 81', 'configure', 'post 1']);
  see(inForce, 1);
  await change;
  expect(calls).toEqual(['retire a', 'admit 2', 'close 1']);
  inForce.close();
});

test('a port that cannot be bound changes nothing, and the next configuration can be applied', async () => {
  const inForce = setUp();
  const before = inForce.told;
  state.busy = 82;
  await expect(inForce.apply(configuration([81, 82], ['b']))).rejects.toThrow('cannot listen');
  expect(calls.splice(0)).toEqual(['listen 81', 'close 2']);
  expect(inForce.told).toBe(before);
  await applied(inForce, configuration([80], ['b']));
  expect(calls).toEqual(['configure', 'post 1', 'retire a', 'end a route-removed', 'end']);
  inForce.close();
});

test('what fails behind that leaves nothing of the configuration: not its sockets, not its services', async () => {
  const inForce = setUp();
  state.broken = 'configure';
  await expect(inForce.apply(configuration([80, 81], ['a', 'b']))).rejects.toThrow('configure is broken');
  expect(calls).toEqual(['listen 81', 'configure', 'close 2', 'retire b']);
  expect(inForce.listeners.map(({ port }) => port)).toEqual([80]);
  inForce.close();
});

test('a service that comes back before it is gone stays, and one that has left again waits for the later revision', async () => {
  const inForce = setUp(configuration([80], ['a', 'b']));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const change = async (services: readonly string[]): Promise<void> => {
    const apply = inForce.apply(configuration([80], services));
    const post = `post ${inForce.told.revision + 1}`;
    while (!calls.includes(post)) await new Promise(setImmediate);
    vi.runAllTimers(); // the worker hangs: nobody waits for it any longer
    await apply;
  };
  await change(['a']);
  await change(['a', 'b']);
  await change(['a']);
  calls.length = 0;
  see(inForce, 2);
  expect(calls).toEqual(['retire ']);
  see(inForce, 3);
  expect(calls).toEqual(['retire ', 'retire b']);
  inForce.close();
});

test('with no worker alive services are gone at once', async () => {
  const inForce = setUp();
  state.seen = Number.POSITIVE_INFINITY;
  await inForce.apply(configuration([80], ['b']));
  expect(calls).toContain('retire a');
  inForce.close();
});

test('services that cannot be forgotten are an error in the log and nothing else', async () => {
  const inForce = setUp();
  state.broken = 'retire';
  await applied(inForce, configuration([80], ['b']));
  await new Promise(setImmediate);
  expect(errors).toEqual(['services that are gone could not be forgotten']);
  inForce.close();
});

test('when the process ends, what has not begun is not applied, and nothing is opened any more', async () => {
  const inForce = setUp();
  state.broken = 'held';
  const change = inForce.apply(configuration([80, 81], ['a']));
  while (held === undefined) await new Promise(setImmediate);
  inForce.close();
  held();
  await change;
  expect(calls).not.toContain('admit 2');
  calls.length = 0;
  await expect(inForce.apply(configuration([82], ['a']))).rejects.toThrow('the process ends');
  expect(calls).toEqual([]);
});
