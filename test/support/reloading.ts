/** Changes a gateway's configuration under it, and says what came of that. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import type { Gateway } from './gateway.js';
import { type Description, manifests } from './manifests.js';
import type { Address } from './raw-client.js';

export interface ConfigPage {
  readonly version: string;
  readonly appliedAt: string;
  readonly paths: readonly string[];
  readonly lastAttempt: { readonly result: string; readonly elapsedMs: number; readonly issues: readonly string[] };
  readonly listeners: readonly (Address & { readonly gateway: string; readonly listener: string })[];
  readonly statuses: readonly unknown[];
}

const BUDGET_MS = 20_000;

export function configFile(gateway: Gateway): string {
  return join(gateway.folder, 'config.yaml');
}

export async function configOf(gateway: Gateway): Promise<ConfigPage> {
  return JSON.parse((await gateway.admin('/config')).body) as ConfigPage;
}

/** Puts a whole file in the place of the configuration. */
export function replaceConfig(gateway: Gateway, config: Description | string): void {
  const next = join(gateway.folder, 'next');
  writeFileSync(next, typeof config === 'string' ? config : manifests(config));
  renameSync(next, configFile(gateway));
}

/** Waits until another version is in force than before `change`. */
export async function applied(gateway: Gateway, change: () => void): Promise<ConfigPage> {
  const { version } = await configOf(gateway);
  change();
  return await eventually(
    async () => {
      const page = await configOf(gateway);
      if (page.version === version) throw new Error(`still in force: ${JSON.stringify(page.lastAttempt)}`);
      return page;
    },
    { budgetMs: BUDGET_MS },
  );
}

/** Waits until an attempt has come to this. */
export async function attempted(gateway: Gateway, result: string, change: () => void): Promise<ConfigPage> {
  const before = await reloads(gateway, result);
  change();
  return await eventually(
    async () => {
      // In this order: the page is then of the attempt that was counted, or of a later one.
      const counted = await reloads(gateway, result);
      const page = await configOf(gateway);
      if (counted === before) throw new Error(JSON.stringify(page.lastAttempt));
      return page;
    },
    { budgetMs: BUDGET_MS },
  );
}

/** Attempts that came to this so far. */
export async function reloads(gateway: Gateway, result: string): Promise<number> {
  const { body } = await gateway.admin('/metrics');
  return Number(new RegExp(`^sluice_config_reloads_total\\{result="${result}"\\} (\\d+)$`, 'm').exec(body)?.[1]);
}

/** Where a listener can be reached now. */
export async function listenerOf(gateway: Gateway, name: string): Promise<Address> {
  const found = (await configOf(gateway)).listeners.find(({ listener }) => listener === name);
  if (found === undefined) throw new Error(`no listener ${name}`);
  return found;
}
