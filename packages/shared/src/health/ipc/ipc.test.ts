import { EventEmitter } from 'node:events';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { StatusTable } from '../table.js';
import { contents, endpoints, Recorder, SERVICE, setStatus, table } from '../testing.js';
import { createIpcPublisher } from './publisher.js';
import { createIpcSubscriber } from './subscriber.js';

const log = pino({ level: 'silent' });

/** One end of an IPC channel in memory. Messages cross as JSON; `blocked` keeps them under way. */
class End extends EventEmitter {
  connected = true;
  peer: End | undefined;
  blocked = false;
  readonly underWay: (() => void)[] = [];
  sent = 0;

  send(message: unknown, callback: (error: Error | null) => void): boolean {
    this.sent += 1;
    const text = JSON.stringify(message);
    const deliver = (): void => {
      this.peer?.emit('message', JSON.parse(text));
      callback(null);
    };
    if (this.blocked) this.underWay.push(deliver);
    else deliver();
    return !this.blocked;
  }

  disconnect(): void {
    for (const end of [this, this.peer]) {
      if (end === undefined) continue;
      end.connected = false;
      end.emit('disconnect');
    }
  }
}

function channel(): { child: End; parent: End } {
  const [child, parent] = [new End(), new End()];
  child.peer = parent;
  parent.peer = child;
  return { child, parent };
}

/** A daemon that publishes two endpoints as soon as it leads. */
function daemon(end: End, identity: string) {
  const publisher = createIpcPublisher(log, identity, end);
  const elected: (StatusTable | null)[] = [];
  const deposed: string[] = [];
  publisher.start({
    onElected: (stored) => {
      elected.push(stored);
      publisher.publishTable(new Set([SERVICE]), endpoints(1, 2));
    },
    onDeposed: (reason) => deposed.push(reason),
  });
  return { publisher, elected, deposed };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the health bus over IPC', () => {
  it('seeds the daemon, which leads then, and brings table, changes and heartbeats', async () => {
    const { child, parent } = channel();
    const { publisher, elected } = daemon(child, 'd1');
    const subscriber = createIpcSubscriber(log);
    const recorder = new Recorder();
    subscriber.start(recorder);
    expect(publisher.leading).toBe(false);
    subscriber.attach(parent);
    expect(elected).toEqual([null]);
    vi.advanceTimersByTime(20);
    expect(contents(subscriber.table)).toEqual(contents(table()));
    expect(subscriber.state.fresh).toBe(true);
    publisher.publish(setStatus(1, 'unhealthy'));
    publisher.publish(setStatus(2, 'unhealthy'));
    vi.advanceTimersByTime(20);
    expect(recorder.changes).toHaveLength(1);
    vi.advanceTimersByTime(10_000);
    expect(recorder.states).toMatchObject([{ fresh: true }]);
    await publisher.close();
    await subscriber.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('goes on with a new daemon, which begins from the last table; its clock does not matter', async () => {
    const first = channel();
    const one = daemon(first.child, 'd1');
    const subscriber = createIpcSubscriber(log);
    subscriber.start(new Recorder());
    subscriber.attach(first.parent);
    vi.advanceTimersByTime(20);
    first.parent.disconnect();
    expect(one.deposed).toEqual(['the IPC channel to the primary has ended']);
    vi.advanceTimersByTime(4_000);
    expect(subscriber.state).toMatchObject({ fresh: false, reason: 'no health daemon is running' });
    const before = subscriber.table;
    vi.setSystemTime(1_000);
    const second = channel();
    const two = daemon(second.child, 'd2');
    subscriber.attach(second.parent);
    vi.advanceTimersByTime(20);
    expect(two.elected).toEqual([before]);
    expect(subscriber.table).toMatchObject({ publisher: 'd2' });
    expect(two.publisher.epoch).toBeGreaterThan(before?.epoch ?? Number.POSITIVE_INFINITY);
    expect(subscriber.state.fresh).toBe(true);
    await two.publisher.close();
    await subscriber.close();
  });

  it('keeps one message under way, however slow the primary reads', async () => {
    const { child, parent } = channel();
    const { publisher } = daemon(child, 'd1');
    const subscriber = createIpcSubscriber(log);
    subscriber.start(new Recorder());
    child.blocked = true;
    subscriber.attach(parent);
    vi.advanceTimersByTime(20);
    for (let count = 0; count < 1_000; count += 1) {
      publisher.publish(setStatus(1 + (count % 2), 'unhealthy'));
      vi.advanceTimersByTime(11);
    }
    expect(child.sent).toBe(1);
    child.blocked = false;
    child.underWay.shift()?.();
    vi.advanceTimersByTime(20);
    expect(child.sent).toBe(2);
    expect([...(subscriber.table?.endpoints.values() ?? [])].map(({ status }) => status)).toEqual([
      'unhealthy',
      'unhealthy',
    ]);
    await publisher.close();
    await subscriber.close();
  });

  it('asks for the table when it has lost its place, and passes over what is not the bus', async () => {
    const { child, parent } = channel();
    const { publisher } = daemon(child, 'd1');
    const subscriber = createIpcSubscriber(log);
    subscriber.start(new Recorder());
    subscriber.attach(parent);
    vi.advanceTimersByTime(20);
    parent.emit('message', { type: 'ready' });
    parent.emit('message', 'text');
    const { epoch } = publisher;
    const gap = { type: 'delta', epoch, version: 7, timestampMs: 1, publisher: 'd1', ...setStatus(1, 'draining') };
    parent.emit('message', gap);
    vi.advanceTimersByTime(20);
    expect(subscriber.stats.rereads).toBe(1);
    expect(contents(subscriber.table)).toEqual(contents(table()));
    await publisher.close();
    await subscriber.close();
  });

  it('seeds a daemon again that was not listening yet', async () => {
    const { child, parent } = channel();
    const subscriber = createIpcSubscriber(log);
    subscriber.start(new Recorder());
    subscriber.attach(parent);
    const { publisher } = daemon(child, 'd1');
    expect(publisher.leading).toBe(false);
    vi.advanceTimersByTime(5_000);
    expect(contents(subscriber.table)).toEqual(contents(table()));
    expect(subscriber.state.fresh).toBe(true);
    await publisher.close();
    await subscriber.close();
  });

  it('sends no second seed to a daemon that does not read', async () => {
    const { parent } = channel();
    const subscriber = createIpcSubscriber(log);
    subscriber.start(new Recorder());
    parent.blocked = true;
    subscriber.attach(parent);
    vi.advanceTimersByTime(60_000);
    expect(parent.sent).toBe(1);
    await subscriber.close();
  });
});
