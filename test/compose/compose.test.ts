/** `docker compose up`, for real: built, started, talked to, scaled, broken and ended. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Compose } from '../support/compose.js';
import { eventually } from '../support/eventually.js';
import { WsClient } from '../support/ws-client.js';

/** The gateway's `--drain-timeout`: it must not be waited for once the last connection has ended. */
const DRAIN_MS = 30_000;

let compose: Compose;

beforeAll(async () => {
  compose = await Compose.create();
  await compose.run('up', '--detach', '--build', '--wait');
});

afterAll(async () => {
  await compose.down();
});

function at(path: string) {
  return WsClient.connect({ address: '127.0.0.1', port: compose.port }, { path });
}

/** Name of the backend that a new connection reaches: its greeting says it. */
async function backendOf(): Promise<string> {
  const client = await at('/chat?name=probe');
  const greeting = (await client.next()).data.toString();
  client.socket.terminate();
  return /you are on backend (\S+)\.$/.exec(greeting)?.[1] ?? greeting;
}

/** Every backend that one of so many new connections reaches; a handshake that a hung one got does not count. */
async function backends(tries = 24): Promise<Set<string>> {
  const reached = await Promise.allSettled(Array.from({ length: tries }, backendOf));
  return new Set(reached.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])));
}

async function admin(path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${compose.adminPort}${path}`);
  return await response.text();
}

test('a message comes back, and both backends get connections', async () => {
  const client = await at('/echo');
  client.socket.send('hello');
  expect((await client.next()).data.toString()).toBe('hello');
  client.socket.close();
  await eventually(async () => expect((await backends()).size).toBe(2), { budgetMs: 30_000 });
});

test('--scale backend=4 is seen without a reload, and a connection that was open stays', async () => {
  const client = await at('/echo');
  await compose.run('up', '--detach', '--no-recreate', '--scale', 'backend=4');
  await eventually(async () => expect((await backends()).size).toBe(4), { budgetMs: 60_000 });
  client.socket.send('still here');
  expect((await client.next()).data.toString()).toBe('still here');
  client.socket.close();
});

test('a backend that hangs gets nothing new within seconds', async () => {
  const [victim = ''] = await compose.containers('backend');
  await compose.docker('pause', victim);
  await eventually(async () => expect(await Promise.all(Array.from({ length: 12 }, backendOf))).toHaveLength(12), {
    budgetMs: 60_000,
    successes: 3,
  });
  await compose.docker('unpause', victim);
  await eventually(async () => expect((await backends()).size).toBe(4), { budgetMs: 60_000 });
});

test('a daemon dies, Redis restarts empty: connections go on, and the table is there again', async () => {
  const client = await at('/echo');
  for (const daemon of await compose.containers('healthd')) {
    await compose.docker('kill', daemon);
    await eventually(async () => expect(await admin('/metrics')).toMatch(/^sluice_health_bus_fresh(\{.*\})? 1$/m), {
      budgetMs: 30_000,
    });
    await compose.run('up', '--detach', '--no-recreate', '--scale', 'backend=4');
  }
  await compose.run('restart', 'redis');
  client.socket.send('untouched');
  expect((await client.next()).data.toString()).toBe('untouched');
  await eventually(async () => expect((await backends()).size).toBe(4), { budgetMs: 60_000 });
  await eventually(
    async () =>
      expect(JSON.parse(await admin('/backendHealth'))).toMatchObject({
        services: [{ serviceName: 'default/backend/80' }],
      }),
    { budgetMs: 30_000 },
  );
  client.socket.close();
});

test('stop drains: an open connection goes on until its client is done', async () => {
  const client = await at('/echo');
  const stopped = compose.run('stop', 'dataplane');
  await eventually(async () => await expect(backendOf()).rejects.toThrow(), { budgetMs: 30_000 });
  client.socket.send('one more');
  expect((await client.next()).data.toString()).toBe('one more');
  client.socket.close(1000);
  const closedMs = performance.now();
  await stopped;
  expect(performance.now() - closedMs).toBeLessThan(DRAIN_MS);
  const [id = ''] = (await compose.run('ps', '--all', '-q', 'dataplane')).split('\n');
  expect((await compose.docker('inspect', '--format', '{{.State.ExitCode}}', id)).trim()).toBe('0');
});
