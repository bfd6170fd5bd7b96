/** What `npm test` does about a machine without the programs it needs. Nothing is installed here: the commands are recorded. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

interface Machine {
  readonly call: (command: string, args: readonly string[]) => { readonly ok: boolean; readonly output: string };
  readonly isRoot: boolean;
  readonly say: (line: string) => void;
}
type ToolsProblem = (machine: Machine) => string;

const SCRIPT = fileURLToPath(new URL('../../scripts/test/tools.mjs', import.meta.url));
const { toolsProblem } = (await import(SCRIPT)) as { readonly toolsProblem: ToolsProblem };

const LOOKS = [
  'redis-server --version',
  'curl --version',
  'openssl version',
  'h2load --version',
  'chromium-headless-shell --version',
];
const BROWSERS = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'];

/** A machine that lacks `absent`: `apt-get install` brings what `installs` allows, by its whole line. */
function machine(isRoot: boolean, absent: readonly string[], installs: (line: string, before: number) => boolean) {
  const lines: string[] = [];
  const lacking = new Set(absent);
  const call: Machine['call'] = (command, args) => {
    const line = [command, ...args].join(' ');
    const before = lines.filter((one) => one === line).length;
    lines.push(line);
    if (command !== 'apt-get') return { ok: !lacking.has(command), output: '' };
    if (args[0] !== 'install') return { ok: true, output: '' };
    const ok = installs(line, before);
    if (ok) for (const name of args.slice(3)) lacking.delete(name === 'nghttp2-client' ? 'h2load' : name);
    return { ok, output: ok ? '' : 'E: it failed' };
  };
  const said: string[] = [];
  return { call, isRoot, say: (line: string) => said.push(line), lines, said };
}
const apt = (lines: readonly string[]) =>
  lines.filter((line) => line.startsWith('apt-get')).map((line) => line.slice(8));
const install = (packages: string) => `install --yes --no-install-recommends ${packages}`;

it('does nothing when all is there', () => {
  const here = machine(true, [], () => false);
  expect(toolsProblem(here)).toBe('');
  expect(here.lines).toEqual(LOOKS);
});

it('a browser by another name will do', () => {
  const here = machine(true, BROWSERS.slice(0, 3), () => false);
  expect(toolsProblem(here)).toBe('');
});

it('says what to install to a user who may not', () => {
  const here = machine(false, ['redis-server', 'h2load', ...BROWSERS], () => true);
  expect(toolsProblem(here)).toBe(
    'The end-to-end tests need redis-server, h2load, Chromium: ' +
      'on Debian and Ubuntu, apt-get install redis-server nghttp2-client chromium',
  );
  expect(apt(here.lines)).toEqual([]);
});

it('installs for root what is missing, all at once, after fetching the lists when there are none', () => {
  const here = machine(true, ['h2load', ...BROWSERS], (_line, before) => before > 0);
  expect(toolsProblem(here)).toBe('');
  const both = install('nghttp2-client chromium-headless-shell');
  expect(apt(here.lines)).toEqual(['--version', both, 'update', both]);
  expect(here.said).toEqual(['installing what the tests need: h2load, Chromium']);
});

it('a package that is not to be had keeps nothing else from being installed', () => {
  const here = machine(true, ['curl', ...BROWSERS], (line) => !line.includes('headless'));
  expect(toolsProblem(here)).toBe('');
  expect(apt(here.lines).slice(-3)).toEqual(['curl', 'chromium-headless-shell', 'chromium'].map(install));
});

it('shows why when it cannot be installed, and what to do', () => {
  const here = machine(true, ['redis-server', 'curl'], (line) => !line.includes('redis'));
  expect(toolsProblem(here)).toBe(
    'E: it failed\nThe end-to-end tests need redis-server: on Debian and Ubuntu, apt-get install redis-server',
  );
});
