/**
 * Sees to it that there is a redis-server for the end-to-end tests: they run against a real one, each test its own on a
 * port of its own. Missing, it is installed from Debian's or Ubuntu's packages when that is allowed (root); else one line
 * says what to do. Sentinel is the same binary.
 */
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';

const INSTALL = ['install', '--yes', '--no-install-recommends', 'redis-server'];
const OUTPUT_TAIL = 2_000;

function run(command, args) {
  const child = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { ok: child.status === 0, output: `${child.stdout ?? ''}${child.stderr ?? ''}${child.error?.message ?? ''}` };
}

/** '' when redis-server is there, also because it was installed just now; else the line to show. */
export function redisProblem({ call = run, isRoot = process.getuid?.() === 0, say = console.log } = {}) {
  const present = () => call('redis-server', ['--version']).ok;
  if (present()) return '';
  const wanted = 'The end-to-end tests need redis-server: on Debian and Ubuntu, apt-get install redis-server';
  if (!isRoot || !call('apt-get', ['--version']).ok) return wanted;
  say('redis-server is missing: installing it');
  let installed = call('apt-get', INSTALL);
  if (!installed.ok) {
    // A fresh image has no package lists.
    call('apt-get', ['update']);
    installed = call('apt-get', INSTALL);
  }
  return installed.ok && present() ? '' : `${installed.output.slice(-OUTPUT_TAIL)}\n${wanted}`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const problem = redisProblem();
  if (problem !== '') {
    console.error(problem);
    process.exitCode = 1;
  }
}
