/** What `npm test` does about a machine without Redis. Nothing is installed here: the commands are recorded. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

interface Machine {
  readonly call: (command: string, args: readonly string[]) => { readonly ok: boolean; readonly output: string };
  readonly isRoot: boolean;
  readonly say: (line: string) => void;
}
type RedisProblem = (machine: Machine) => string;

const SCRIPT = fileURLToPath(new URL('../../scripts/test/redis.mjs', import.meta.url));
const { redisProblem } = (await import(SCRIPT)) as { readonly redisProblem: RedisProblem };

/** A machine whose commands `works` decides on, by the line and by how often it was called before. */
function machine(isRoot: boolean, works: (line: string, before: number) => boolean): Machine & { lines: string[] } {
  const lines: string[] = [];
  const call: Machine['call'] = (command, args) => {
    const line = [command, ...args].join(' ');
    const ok = works(line, lines.filter((one) => one === line).length);
    lines.push(line);
    return { ok, output: ok ? '' : 'E: it failed' };
  };
  return { call, isRoot, say: () => undefined, lines };
}

const LOOK = 'redis-server --version';

it('does nothing when it is there', () => {
  const here = machine(true, () => true);
  expect(redisProblem(here)).toBe('');
  expect(here.lines).toEqual([LOOK]);
});

it('says what to install to a user who may not', () => {
  const here = machine(false, (line) => line !== LOOK);
  expect(redisProblem(here)).toMatch(/^The end-to-end tests need redis-server: .* apt-get install redis-server$/);
  expect(here.lines).toEqual([LOOK]);
});

it('installs it for root, after fetching the lists when there are none', () => {
  const here = machine(true, (line, before) => (line === LOOK || line.includes('install') ? before > 0 : true));
  expect(redisProblem(here)).toBe('');
  expect(here.lines.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
    LOOK,
    'apt-get --version',
    'apt-get install',
    'apt-get update',
    'apt-get install',
    LOOK,
  ]);
});

it('shows why when it cannot be installed, and what to do', () => {
  const here = machine(true, (line) => line === 'apt-get --version');
  expect(redisProblem(here)).toMatch(/^E: it failed\nThe end-to-end tests need redis-server: /);
});
