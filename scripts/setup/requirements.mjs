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

/** Which tools of the native build are missing: each is started once, so only asked when there is something to build. */
export function toolProblems(has = runs, env = process.env) {
  const tools = [
    [env.npm_config_python ?? env.PYTHON ?? 'python3', 'Python 3 (node-gyp runs on it)', 'python3'],
    [env.MAKE ?? 'make', 'make', 'make'],
    [env.CC ?? 'cc', 'a C compiler', 'gcc'],
    [env.CXX ?? 'g++', 'g++ (it links the native engine)', 'g++'],
  ];
  return tools
    .filter(([command]) => !has(command))
    .map(([command, what, name]) => {
      const packages = name === 'python3' ? 'python3' : 'build-essential';
      return `"${command}" does not run: install ${what}, on Debian and Ubuntu: apt-get install ${packages}`;
    });
}
