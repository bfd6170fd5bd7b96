/** `npm start` and `npm run chat`: what a person sees who has just typed the README's commands, and what is left after. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { chat, freePorts, isProgram, type Ports, type Program, runs, start } from '../support/quickstart.js';

const started: Program[] = [];
const note = (program: Program): Program => {
  started.push(program);
  return program;
};

afterEach(() => {
  for (const { child } of started.splice(0)) child.kill('SIGKILL');
});

async function startAll(ports: Ports): Promise<{ program: Program; children: number[] }> {
  const program = note(start(ports));
  await program.printed(/Ctrl-C ends everything/);
  const children = program.children();
  expect(children).toHaveLength(3);
  return { program, children };
}

async function noneLeft(children: readonly number[]): Promise<void> {
  await eventually(() => expect(children.filter(runs)).toEqual([]), { budgetMs: 10_000 });
}

test('says what to try; two people on two backends talk; Ctrl-C ends everything', async () => {
  const ports = await freePorts();
  const { program, children } = await startAll(ports);
  expect(program.stdout).toContain(`Sluice listens at ws://127.0.0.1:${ports.gateway}`);
  expect(program.stdout).toContain(`PORT=${ports.gateway} npm run chat -- anna`);
  expect(program.stderr).toBe('');

  const anna = note(chat(ports, 'anna'));
  const [, annasBackend] = await anna.printed(/Hello anna, you are on backend ([AB])\./);
  const ben = note(chat(ports, 'ben'));
  const [, bensBackend] = await ben.printed(/Hello ben, you are on backend ([AB])\./);
  expect([annasBackend, bensBackend].sort()).toEqual(['A', 'B']);
  await anna.printed(/\* ben joined/);
  anna.type('good evening');
  await ben.printed(/^anna: good evening$/m);
  ben.type('good morning');
  await anna.printed(/^ben: good morning$/m);
  ben.child.stdin.end();
  expect(await ben.end()).toEqual({ code: 0, signal: null });
  await anna.printed(/\* ben left/);
  anna.interrupt();
  expect(await anna.end()).toEqual({ code: 0, signal: null });

  program.interrupt();
  expect(await program.end()).toEqual({ code: 0, signal: null });
  expect(program.stderr).toBe('');
  await noneLeft(children);
});

test('a chat client that is connected is told that the gateway has gone', async () => {
  const ports = await freePorts();
  const { program, children } = await startAll(ports);
  const anna = note(chat(ports, 'anna'));
  await anna.printed(/Hello anna/);
  program.interrupt();
  expect(await program.end()).toEqual({ code: 0, signal: null });
  expect(await anna.end()).toEqual({ code: 1, signal: null });
  expect(anna.stderr).toMatch(/^The connection (was closed|to .* failed): .*\n$/);
  await noneLeft(children);
});

test('without a gateway the chat client says how to start it', async () => {
  const client = note(chat(await freePorts(), 'anna'));
  expect(await client.end()).toEqual({ code: 1, signal: null });
  expect(client.stderr).toMatch(/^Nobody listens at 127\.0\.0\.1:\d+: .* npm start\n$/);
});

test('killed, start.mjs leaves nothing behind', async () => {
  const { program, children } = await startAll(await freePorts());
  program.child.kill('SIGKILL');
  expect(await program.end()).toEqual({ code: null, signal: 'SIGKILL' });
  await noneLeft(children);
});

test('a gateway that ends by itself ends the rest, and that is said', async () => {
  const { program, children } = await startAll(await freePorts());
  const gateway = children.find((pid) => isProgram(pid, 'gateway.mjs'));
  if (gateway === undefined) throw new Error('no gateway');
  process.kill(gateway, 'SIGKILL');
  expect(await program.end()).toEqual({ code: 1, signal: null });
  expect(program.stderr).toBe('the gateway ended by itself (killed): ending the rest.\n');
  await noneLeft(children);
});

test.each([
  {
    who: 'the gateway',
    of: (ports: Ports) => ports.gateway,
    said: /^Port \d+ is taken: choose another one with .*\n$/,
  },
  {
    who: 'a backend',
    of: (ports: Ports) => ports.backends[1],
    said: /^Port \d+ is taken, and demo backend B needs it: .*\n$/,
  },
])('a taken port of $who is one line', async ({ of, said }) => {
  const ports = await freePorts();
  const other = createServer().listen(of(ports), '127.0.0.1');
  await once(other, 'listening');
  const program = note(start(ports));
  expect(await program.end()).toEqual({ code: 1, signal: null });
  expect(program.stdout).toBe('');
  expect(program.stderr).toMatch(said);
  other.close();
});

test('what is no port is one line', async () => {
  const ports = await freePorts();
  const program = note(start({ ...ports, gateway: 99_999 }));
  expect(await program.end()).toEqual({ code: 1, signal: null });
  expect(program.stderr).toBe('--port and PORT take a number from 1 to 65535, not "99999".\n');
});
