/**
 * Finds HAProxy and nginx, and installs the Debian packages when they are missing and we are root. A package's own
 * service must not run beside the benchmark: while apt works, a policy-rc.d that forbids starting services is in place
 * (kept as it is when the machine already has one), so nothing has to be stopped afterwards.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { findProgram } from './child.js';

const policyFile = '/usr/sbin/policy-rc.d';

function aptInstall(packages: string[]): void {
  const ownPolicy = !existsSync(policyFile);
  if (ownPolicy) writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', ...packages], {
      env: environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } finally {
    if (ownPolicy) rmSync(policyFile);
  }
}

/** Paths of the peers that can be run. @throws Error naming what to install when one is missing and cannot be had. */
export function findPeers(wanted: string[], mayInstall: boolean): Map<string, string> {
  const missing = wanted.filter((name) => findProgram(name) === undefined);
  if (missing.length > 0) {
    const advice = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
    const able = mayInstall && process.getuid?.() === 0 && findProgram('apt-get') !== undefined;
    if (!able) throw new Error(`missing peers: run "${advice}", or leave them out with --targets`);
    console.error(`installing ${missing.join(' and ')} …`);
    aptInstall(missing);
  }
  const found = new Map<string, string>();
  for (const name of wanted) {
    const path = findProgram(name);
    if (path === undefined) throw new Error(`${name} is still missing after its installation`);
    found.set(name, path);
  }
  return found;
}
