/** `npm start` probes its backends with a daemon: nothing of it is left behind, however the rest ends. */
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { childrenOf, runs } from '../support/process-tree.js';
import { freePorts, type Program, start } from '../support/quickstart.js';

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
