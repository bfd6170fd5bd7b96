import { createLogger } from '@sluice/shared/log';
import { aListener } from '@sluice/shared/testing/snapshots';
import { expect, test } from 'vitest';
import { parseArguments } from '../cli/command-line.js';
import type { ListenerIdentity, ListenOptions } from '../engine/binding.js';
import type { ServerName } from '../engine/tls-binding.js';
import type { BoundPort } from '../worker/messages.js';
import { type Identify, Listeners, type NamesOf } from './listeners.js';
import { planPorts } from './ports.js';

/** What the engine is asked for, a word and a number each. */
class Sockets {
  readonly calls: string[] = [];
  readonly tags: number[] = [];
  busy = 0;
  broken = 0;
  #next = 0;

  listen({ port, tag, held }: ListenOptions): { listener: number; port: number } {
    if (port === this.busy) throw Object.assign(new Error('busy'), { code: 'EADDRINUSE' });
    this.calls.push(`listen ${port}${held === true ? ' held' : ''}`);
    this.tags.push(tag);
    this.#next += 1;
    return { listener: this.#next, port };
  }

  listenerAdmit(listener: number): boolean {
    this.calls.push(`admit ${listener}`);
    return true;
  }

  listenerClose(listener: number): boolean {
    this.calls.push(`close ${listener}`);
    return true;
  }

  listenerTls(listener: number, names: readonly ServerName[], secure: boolean): void {
    if (listener === this.broken) throw new Error('no memory');
    this.calls.push(`${secure ? 'secure' : 'plain'} ${listener} ${names.map(({ pattern }) => pattern).join()}`.trim());
  }

  listenerIdentify(listener: number, { group, logFields }: ListenerIdentity): boolean {
    this.calls.push(`identify ${listener} ${group} ${logFields}`);
    return true;
  }
}

const plain = () => null;
const identify: Identify = (ports, tag) => ({ group: 1, logFields: `of ${ports[tag]?.listeners.join()}` });

function setUp() {
  const invocation = parseArguments(['serve', '--config', 'a', '--bind', '127.0.0.1'], {}, '1');
  if (invocation?.command !== 'serve') throw new Error('no options');
  const native = new Sockets();
  const listeners = new Listeners(native, invocation.options, createLogger({ level: 'silent', name: 'test' }));
  const plan = (ports: readonly number[]) =>
    planPorts(
      ports.map((port) => aListener({ port })),
      new Map(),
    );
  const change = (...ports: number[]): readonly BoundPort[] => {
    listeners.commit(listeners.prepare(plan(ports), identify, plain));
    return listeners.ports;
  };
  return { native, listeners, plan, change };
}

test('what stays is not bound anew; what is new waits until it is admitted; what is gone is closed', () => {
  const { native, listeners, plan, change } = setUp();
  change(80, 81);
  native.calls.splice(0);
  const next = listeners.prepare(plan([80, 82]), identify, plain);
  expect(native.calls.splice(0)).toEqual(['listen 82 held']);
  expect(next.ports.map(({ port, listeners: of }) => [port, of])).toEqual([
    [80, [0]],
    [81, []],
    [82, [1]],
  ]);
  listeners.commit(next);
  expect(native.calls).toEqual(['admit 3', 'close 2']);
  expect(
    listeners.describe([
      { gateway: 'g', name: 'a' },
      { gateway: 'g', name: 'b' },
    ]),
  ).toEqual([
    { gateway: 'g', listener: 'a', address: '127.0.0.1', port: 80 },
    { gateway: 'g', listener: 'b', address: '127.0.0.1', port: 82 },
  ]);
});

test('a port that cannot be bound leaves everything as it was, and takes back what was bound with it', () => {
  const { native, listeners, plan, change } = setUp();
  const before = change(80);
  native.calls.splice(0);
  native.busy = 82;
  expect(() => listeners.prepare(plan([81, 82]), identify, plain)).toThrow('cannot listen on 127.0.0.1:82');
  expect(native.calls).toEqual(['listen 81 held', 'close 2']);
  expect(listeners.ports).toBe(before);
});

test('tags are never given again, not even to a port that comes back', () => {
  const { native, change } = setUp();
  for (const ports of [[80, 81], [80], [80, 81], [81], [80]]) change(...ports);
  expect(native.tags).toEqual([0, 1, 2, 3]);
});

test('what connections of a socket carry follows its listeners', () => {
  const { native, change } = setUp();
  change(80);
  native.calls.splice(0);
  change(79, 80);
  expect(native.calls).toEqual(['listen 79 held', 'identify 1 1 of 1', 'admit 2']);
});

test('who sends PROXY headers is exchanged when it has changed, and only then', () => {
  const { native, listeners, plan } = setUp();
  const commit = (...sources: number[]) => {
    const from: Identify = (ports, tag) => ({ ...identify(ports, tag), proxySources: Uint8Array.from(sources) });
    listeners.commit(listeners.prepare(plan([80]), from, plain));
    return native.calls.splice(0);
  };
  expect(commit()).toEqual(['listen 80 held', 'admit 1']);
  expect(commit(1, 2)).toEqual(['identify 1 1 of 0']);
  expect(commit(1, 2)).toEqual([]);
  expect(commit(1)).toEqual(['identify 1 1 of 0']);
  expect(commit()).toEqual(['identify 1 1 of 0']);
});

test('a port of HTTPS has its names before it is admitted, also when it has none, and may become plain again', () => {
  const { native, listeners, plan } = setUp();
  const commit = (names: NamesOf) => listeners.commit(listeners.prepare(plan([443]), identify, names));
  commit(() => []);
  commit(() => [{ pattern: 'a', context: 1 }]);
  commit(plain);
  commit(plain);
  expect(native.calls).toEqual(['listen 443 held', 'secure 1', 'admit 1', 'secure 1 a', 'plain 1']);
});

test('a socket that cannot have its names stays shut, and holds up no other', () => {
  const { native, listeners, plan } = setUp();
  listeners.commit(listeners.prepare(plan([80, 81]), identify, plain));
  native.calls.splice(0);
  native.broken = 3;
  listeners.commit(listeners.prepare(plan([80, 443, 444]), identify, ({ port }) => (port > 400 ? [] : null)));
  expect(native.calls).toEqual(['listen 443 held', 'listen 444 held', 'secure 4', 'admit 4', 'close 2']);
});
