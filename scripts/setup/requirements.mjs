/**
 * What this machine must have before anything can be installed or built. Each missing thing is one line that says
 * what to do. Runs on any Node that knows ES modules, so that an old one gets the line and not a stack trace.
 */
import { spawnSync } from 'node:child_process';

const NODE_MIN = [20, 18, 1];

/** True when `version` ("20.18.1") is at least `minimum` ([20, 18, 1]). */
export function isAtLeast(version, minimum) {
  const parts = version.split('.').map(Number);
  const differing = minimum.findIndex((part, index) => parts[index] !== part);
  return differing === -1 || parts[differing] > minimum[differing];
}

/** What is wrong with the platform or Node itself: checked on every run, costs nothing. */
export function platformProblems({ platform = process.platform, nodeVersion = process.versions.node } = {}) {
  const problems = [];
  if (platform !== 'linux') {
    problems.push(
      `Sluice runs on Linux only (epoll, splice); this is ${platform}: use a Linux machine, VM or container.`,
    );
  }
  if (!isAtLeast(nodeVersion, NODE_MIN)) {
    problems.push(
      `Node ${nodeVersion} is too old: install Node ${NODE_MIN.join('.')} or newer (20 and 24 are tested).`,
    );
  }
  return problems;
}

function runs(command) {
  const run = spawnSync(command, ['--version'], { stdio: 'ignore', shell: command.includes(' ') });
  return run.status === 0;
}

/** What the native build lacks here, as one line. Each tool is started once: only asked when there is something to build. */
export function toolProblems(has = runs, env = process.env) {
  const tools = [
    [env.npm_config_python ?? env.PYTHON ?? 'python3', 'Python 3', 'python3'],
    [env.MAKE ?? 'make', 'make', 'build-essential'],
    [env.CC ?? 'cc', 'a C compiler', 'build-essential'],
    [env.CXX ?? 'g++', 'g++', 'build-essential'],
  ];
  const missing = tools.filter(([command]) => !has(command));
  if (missing.length === 0) return [];
  const wanted = missing
    .map(([command, what]) => (what.endsWith(command) ? what : `${what} ("${command}")`))
    .join(', ');
  const packages = [...new Set(missing.map(([, , name]) => name))].join(' ');
  return [`The native engine cannot be built without ${wanted}: on Debian and Ubuntu, apt-get install ${packages}`];
}
