/** The health bus over the IPC channel of real child processes, which die, stand still and are replaced. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createIpcSubscriber, type IpcSubscriber } from '@sluice/shared/health/ipc/subscriber';
import type { StatusTable } from '@sluice/shared/health/table';
import { keyOf, Recorder } from '@sluice/shared/health/testing';
import { createLogger } from '@sluice/shared/log';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';

/** Compiled, because a child process of Node 20 runs no TypeScript. */
const CHILD = fileURLToPath(new URL('../dist/support/ipc-daemon-main.js', import.meta.url));
const BUDGET_MS = 20_000;

let subscriber: IpcSubscriber;
let recorder: Recorder;
let children: ChildProcess[];

beforeEach(() => {
  subscriber = createIpcSubscriber(createLogger({ level: 'silent', name: 'bus' }));
  recorder = new Recorder();
  subscriber.start(recorder);
  children = [];
});
afterEach(async () => {
  await subscriber.close();
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
});

function start(identity: string, count = 2): ChildProcess {
  const child = fork(CHILD, [identity, String(count)], { execArgv: [] });
  children.push(child);
  subscriber.attach(child);
  return child;
}

async function shows(check: (table: StatusTable) => void): Promise<void> {
  await eventually(
    () => {
      const { table, state } = subscriber;
      if (table === null || !state.fresh) throw new Error(`table: ${table?.version}, state: ${state.reason}`);
      check(table);
    },
    { budgetMs: BUDGET_MS },
  );
}

const isFrom =
  (identity: string) =>
  ({ publisher }: StatusTable): void =>
    expect(publisher).toBe(identity);

it('brings the table and its changes in order, of 10 000 endpoints too', async () => {
  start('first', 10_000);
  await shows(({ endpoints, version }) => {
    expect(endpoints.size).toBe(10_000);
    expect(version).toBeGreaterThan(10);
  });
  expect(recorder.tables).toHaveLength(1);
  const versions = recorder.seen.map(({ version }) => version);
  expect(versions).toEqual(versions.map((_, index) => index));
  expect(subscriber.stats.rereads).toBe(0);
});

it('keeps the last table when the daemon dies, and goes on with the next one, which is seeded with it', async () => {
  const first = start('first', 5);
  await shows(isFrom('first'));
  first.kill('SIGKILL');
  await eventually(() => expect(subscriber.state.fresh).toBe(false), { budgetMs: BUDGET_MS });
  expect(subscriber.state.reason).toBe('no health daemon is running');
  expect(subscriber.table?.endpoints.size).toBe(5);
  start('second', 3);
  await shows((table) => {
    isFrom('second')(table);
    expect(table.endpoints.size).toBe(3);
    expect(table.endpoints.get(keyOf(1))?.why).toBe('seeded with 5');
  });
  const epochs = recorder.seen.map(({ epoch }) => epoch);
  expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
});

it('is stale while the daemon stands still, and fresh again when it goes on', async () => {
  const child = start('first');
  await shows(isFrom('first'));
  child.kill('SIGSTOP');
  await eventually(() => expect(subscriber.state.fresh).toBe(false), { budgetMs: BUDGET_MS });
  expect(subscriber.state.reason).toContain('no heartbeat');
  child.kill('SIGCONT');
  const version = subscriber.table?.version ?? 0;
  await shows((table) => expect(table.version).toBeGreaterThan(version));
});

it('hears nothing of a daemon that it was detached from', async () => {
  start('first');
  await shows(isFrom('first'));
  start('second');
  await shows(isFrom('second'));
  const seen = recorder.seen.length;
  await eventually(() => expect(recorder.seen.length).toBeGreaterThan(seen + 20), { budgetMs: BUDGET_MS });
  expect(recorder.seen.slice(seen).every(({ publisher }) => publisher === 'second')).toBe(true);
});

it('ends with its parent: the channel closes, the daemon leads no more', async () => {
  const child = start('first');
  await shows(isFrom('first'));
  const gone = once(child, 'exit');
  child.disconnect();
  expect(await gone).toEqual([0, null]);
});
