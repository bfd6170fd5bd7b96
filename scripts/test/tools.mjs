/**
 * Sees to it that the programs are there which the end-to-end tests use for real: a Redis server, and clients. What is
 * missing is installed from Debian's or Ubuntu's packages when that is allowed (root); else one line says what to do.
 * Only tests call this: nothing of it is needed to run the gateway.
 */
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';

/**
 * Sentinel is redis-server's binary. Of Chromium the headless shell is preferred: the same network stack, a quarter less
 * to fetch. Ubuntu has it not, and its package chromium is a snap, which most containers cannot run.
 */
export const TOOLS = [
  { name: 'redis-server', packages: ['redis-server'], commands: ['redis-server'] },
  { name: 'curl', packages: ['curl'], commands: ['curl'] },
  { name: 'openssl', packages: ['openssl'], commands: ['openssl'] },
  { name: 'h2load', packages: ['nghttp2-client'], commands: ['h2load'] },
  {
    name: 'Chromium',
    packages: ['chromium-headless-shell', 'chromium'],
    commands: ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'],
  },
];
const INSTALL = ['install', '--yes', '--no-install-recommends'];
const OUTPUT_TAIL = 2_000;

function run(command, args) {
  const child = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { ok: child.status === 0, output: `${child.stdout ?? ''}${child.stderr ?? ''}${child.error?.message ?? ''}` };
}

/** openssl knows no --version before 3.0. */
function isThere({ commands }, call) {
  return commands.some((command) => call(command, [command === 'openssl' ? 'version' : '--version']).ok);
}

/** Installs all at once; one by one, with every name they go by, only when that fails. Returns what apt-get said last. */
function install(missing, call) {
  const first = missing.map(({ packages }) => packages[0]);
  const together = call('apt-get', [...INSTALL, ...first]);
  if (together.ok) return '';
  // A fresh image has no package lists.
  call('apt-get', ['update']);
  const again = call('apt-get', [...INSTALL, ...first]);
  if (again.ok) return '';
  const failed = missing.flatMap(({ packages }) => {
    const tried = [];
    for (const name of packages) {
      tried.push(call('apt-get', [...INSTALL, name]));
      if (tried.at(-1).ok) return [];
    }
    return tried.at(-1).output;
  });
  return failed.join('\n');
}

/** '' when all is there, also because it was installed just now; else what to show, a line that says what to do last. */
export function toolsProblem({ call = run, isRoot = process.getuid?.() === 0, say = console.log } = {}) {
  const missing = TOOLS.filter((tool) => !isThere(tool, call));
  if (missing.length === 0) return '';
  const mayInstall = isRoot && call('apt-get', ['--version']).ok;
  if (mayInstall) say(`installing what the tests need: ${missing.map(({ name }) => name).join(', ')}`);
  const output = mayInstall ? install(missing, call) : '';
  const left = mayInstall ? missing.filter((tool) => !isThere(tool, call)) : missing;
  if (left.length === 0) return '';
  const names = left.map(({ name }) => name).join(', ');
  const packages = left.map((tool) => tool.packages.at(-1)).join(' ');
  const wanted = `The end-to-end tests need ${names}: on Debian and Ubuntu, apt-get install ${packages}`;
  return output === '' ? wanted : `${output.slice(-OUTPUT_TAIL)}\n${wanted}`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const problem = toolsProblem();
  if (problem !== '') {
    console.error(problem);
    process.exitCode = 1;
  }
}
