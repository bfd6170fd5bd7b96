/** `npm start` probes its backends with a daemon: nothing of it is left behind, however the rest ends. */
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { childrenOf, runs } from '../support/process-tree.js';
import { freePorts, type Program, start } from '../support/quickstart.js';
import { WsClient } from '../support/ws-client.js';

const budget = { budgetMs: 20_000 };
const started: Program[] = [];
afterEach(() => {
  for (const { child } of started.splice(0)) child.kill('SIGKILL');
});

/** The program, its gateway and the gateway's daemon. */
async function startAll(): Promise<{ program: Program; gateway: number; daemon: number }> {
  const program = start(await freePorts());
  started.push(program);
  await program.printed(/Ctrl-C ends everything/);
  return await eventually(() => {
    const gateway = childrenOf(program.pid, 'gateway.mjs')[0] ?? 0;
    const daemon = childrenOf(gateway, 'healthd.js')[0];
    if (daemon === undefined) throw new Error(`no daemon: ${program.stderr}`);
    return { program, gateway, daemon };
  }, budget);
}

describe('the daemon ends', () => {
  test.each([
    { how: 'by Ctrl-C', end: ({ program }: Awaited<ReturnType<typeof startAll>>) => program.interrupt() },
    { how: 'when start.mjs is killed', end: ({ program }) => program.child.kill('SIGKILL') },
    { how: 'when the gateway is killed', end: ({ gateway }) => process.kill(gateway, 'SIGKILL') },
  ])('$how', async ({ end }) => {
    const all = await startAll();
    end(all);
    await all.program.end();
    await eventually(() => expect([all.gateway, all.daemon].filter(runs)).toEqual([]), budget);
  });
});

test('a demo backend that is killed is left out, and back when it has been started again', async () => {
  const { program } = await startAll();
  const [, port = ''] = await program.printed(/Sluice listens at ws:\/\/127\.0\.0\.1:(\d+)/);
  const [, pid = ''] = await program.printed(/kill -9 (\d+)/);
  const greeting = async (): Promise<string> => {
    const client = await WsClient.connect({ address: '127.0.0.1', port: Number(port) }, { path: '/chat?name=probe' });
    const { data } = await client.next();
    client.socket.terminate();
    return data.toString();
  };
  const round = async () => new Set([await greeting(), await greeting(), await greeting(), await greeting()]);
  expect((await round()).size).toBe(2);
  process.kill(Number(pid), 'SIGKILL');
  await eventually(async () => expect([...(await round())].join()).not.toContain('backend A'), budget);
  const said = 'backend A ended by itself (killed): the gateway leaves it out';
  await eventually(() => expect(program.stderr).toContain(said), budget);
  await eventually(async () => expect((await round()).size).toBe(2), budget);
  program.interrupt();
  expect((await program.end()).code).toBe(0);
});
