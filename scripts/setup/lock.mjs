/**
 * One set-up at a time in a checkout: two `npm start` in two terminals must not build into each other.
 * The lock is a file that names its owner by pid and start time, created whole by link(2); a lock whose owner is
 * gone (killed, or the machine restarted and the pid is somebody else's) is taken away.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

const POLL_MS = 100;

/** "pid starttime" of a live process, undefined when there is none; the start time is field 22 of /proc/PID/stat. */
export function processIdentity(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return `${pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return undefined;
  }
}

function readOwner(file) {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}

/** Tries once; true when the lock is ours now. */
export function tryLock(file, identity = processIdentity(process.pid)) {
  const own = `${file}.${process.pid}`;
  writeFileSync(own, identity);
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Takes a dead owner's lock away. Another waiter may be quicker and hold the lock by then: it gets it back. */
export function breakStaleLock(file) {
  const owner = readOwner(file);
  if (owner === undefined || processIdentity(owner.split(' ')[0]) === owner) return;
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readOwner(aside) !== owner) linkSync(aside, file);
    rmSync(aside, { force: true });
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
}

/** Waits for the lock, saying so once, and gives it back when the process ends. */
export function lockUntilExit(file, onWait) {
  for (let tries = 0; !tryLock(file); tries += 1) {
    breakStaleLock(file);
    if (tries === 0) continue;
    if (tries === 1) onWait();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  }
  process.on('exit', () => rmSync(file, { force: true }));
}
