/** How a gateway under test is started: its configuration, its options, and what may be wrapped around it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Description, listenerPorts, manifests } from './manifests.js';

/** This file runs from the sources and, in child processes, compiled one folder deeper. */
export const SLUICE_BIN =
  ['../../', '../../../']
    .map((up) => fileURLToPath(new URL(`${up}packages/dataplane/bin/sluice.js`, import.meta.url)))
    .find((path) => existsSync(path)) ?? '';
export interface GatewayOptions {
  /** The configuration, described or as YAML. */
  readonly config: Description | string;
  /** Options of `sluice serve` by name, without the dashes. */
  readonly flags?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Command that runs the gateway, in front of node: `['prlimit', '--nofile=200:200']`. */
  readonly wrapper?: readonly string[];
  readonly nodeArguments?: readonly string[];
  /** Enables the fault endpoints. */
  readonly faults?: boolean;
  /** The test makes the gateway log errors. */
  readonly expectErrors?: boolean;
}
/** Options that are the same in most tests: ephemeral ports, files in the test's folder, two workers. */
function flagsOf(folder: string, { config, flags }: GatewayOptions): Record<string, string> {
  const ports = typeof config === 'string' ? [80] : listenerPorts(config);
  return {
    config: join(folder, 'config.yaml'),
    bind: '127.0.0.1',
    'port-map': ports.map((port) => `${port}=0`).join(','),
    admin: '127.0.0.1:0',
    'access-log': join(folder, 'access.log'),
    workers: '2',
    'drain-timeout': '1',
    // The echo backends answer a plain GET, the default probe, with 426.
    health: 'off',
    ...flags,
  };
}

/** An empty value stands for a switch. */
function toArguments(flags: Readonly<Record<string, string>>): string[] {
  return Object.entries(flags).flatMap(([name, value]) => (value === '' ? [`--${name}`] : [`--${name}`, value]));
}

/** Writes the configuration into `folder` and starts `sluice serve` with it. */
export function launch(folder: string, options: GatewayOptions): ChildProcess {
  const { config, env, faults, nodeArguments = [], wrapper = [] } = options;
  writeFileSync(join(folder, 'config.yaml'), typeof config === 'string' ? config : manifests(config));
  const node = [process.execPath, ...nodeArguments, SLUICE_BIN, 'serve', ...toArguments(flagsOf(folder, options))];
  const [command = process.execPath, ...args] = [...wrapper, ...node];
  return spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...(faults ? { SLUICE_FAULTS: '1' } : {}), ...env },
  });
}
