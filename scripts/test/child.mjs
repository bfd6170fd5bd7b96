/**
 * Runs one command of the test run in a process group of its own, so that whatever it started can be ended with it:
 * on Ctrl-C, and after it has ended by itself. Its output goes straight through, or to a file that is open already.
 */
import { spawn } from 'node:child_process';

const KILL_AFTER_MS = 5_000;

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/**
 * Resolves with the exit code when the command has ended; -1 when a signal ended it or it could not
 * be started. `stop` is an AbortSignal: SIGTERM to the group, SIGKILL after a grace. `output`: 'inherit' or a descriptor.
 */
export function runChild([command, ...args], { cwd, env, stop, output = 'inherit' }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      detached: true,
      stdio: ['ignore', output, output],
    });
    let killer;
    const end = () => {
      signalGroup(child.pid, 'SIGTERM');
      killer = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), KILL_AFTER_MS);
    };
    const settle = (code) => {
      clearTimeout(killer);
      stop.removeEventListener('abort', end);
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      resolve(code);
    };
    child.once('error', (error) => {
      console.error(`${command}: ${error.message}`);
      settle(-1);
    });
    child.once('exit', (code) => settle(code ?? -1));
    if (child.pid !== undefined) stop.addEventListener('abort', end, { once: true });
  });
}
