/**
 * What the numbers were measured on: machine and versions of everything that takes part.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { tlsHoldProgram } from './build-native.js';
import { findProgram } from './child.js';

export interface Machine {
  cpuModel: string;
  cores: number;
  memoryGiB: number;
  kernel: string;
  /** How much of the cores others used just before the run, percent; more than a few and the figures are theirs too. */
  busyPercent: number;
}

const observationMs = 1000;

function coreTimes(): { busy: number; all: number } {
  const times = cpus().map((core) => core.times);
  const all = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
  return { all, busy: all - times.reduce((sum, { idle }) => sum + idle, 0) };
}

async function observeBusy(): Promise<number> {
  const before = coreTimes();
  await delay(observationMs);
  const after = coreTimes();
  return Math.round((100 * (after.busy - before.busy)) / Math.max(1, after.all - before.all));
}

/** Takes a second, in which it watches what else the machine does. */
export async function describeMachine(): Promise<Machine> {
  const list = cpus();
  return {
    cpuModel: list[0]?.model.trim() ?? 'unknown',
    cores: list.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release()}`,
    busyPercent: await observeBusy(),
  };
}

function firstVersion(command: string, redirect: string): string {
  try {
    const output = execFileSync('sh', ['-c', `"$0" -v ${redirect}`, command], { encoding: 'utf8' });
    return /\d+(\.\d+)+[^\s]*/.exec(output)?.[0] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

function firstLine(command: string, argument: string): string {
  return execFileSync(command, [argument], { encoding: 'utf8' }).split('\n')[0] ?? 'unknown';
}

function packageVersion(location: URL): string {
  const content: unknown = JSON.parse(readFileSync(location, 'utf8'));
  return typeof content === 'object' && content !== null && 'version' in content ? String(content.version) : 'unknown';
}

/** With the commit, and a + when the checkout has changes, because a version number spans many commits. */
function sluiceVersion(): string {
  const version = packageVersion(new URL('../../package.json', import.meta.url));
  try {
    const cwd = new URL('../..', import.meta.url);
    const commit = execFileSync('git', ['describe', '--always', '--dirty=+'], { cwd, encoding: 'utf8', stdio: 'pipe' });
    return `${version} (${commit.trim()})`;
  } catch {
    return version;
  }
}

/** Of the library that the peer runs on, which may be newer than the one it was built with. */
function opensslOf(name: string): string {
  const command = findProgram(name) ?? name;
  try {
    const flag = name === 'haproxy' ? '-vv' : '-V';
    const output = execFileSync('sh', ['-c', `"$0" ${flag} 2>&1`, command], { encoding: 'utf8' });
    const running = /running (?:on|with) OpenSSL(?: version : OpenSSL)? (\d[^\s)]*)/i.exec(output)?.[1];
    return running ?? /built with OpenSSL (\d\S*)/i.exec(output)?.[1] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

/** The version of each of the named targets, of Node, and of every OpenSSL. */
export function versionsOf(targets: Iterable<string>): Record<string, string> {
  const versions: Record<string, string> = {
    node: `${process.versions.node} (OpenSSL ${process.versions.openssl})`,
  };
  const names = new Set(targets);
  for (const name of ['haproxy', 'nginx']) {
    if (names.has(name)) {
      versions[name] = `${firstVersion(findProgram(name) ?? name, '2>&1')} (OpenSSL ${opensslOf(name)})`;
    }
  }
  if (names.has('http-proxy')) {
    versions['http-proxy'] = packageVersion(new URL('../node_modules/http-proxy/package.json', import.meta.url));
  }
  if (names.has('openssl')) versions.openssl = firstLine(tlsHoldProgram, '--version');
  if (names.has('sluice')) versions.sluice = sluiceVersion();
  return versions;
}
