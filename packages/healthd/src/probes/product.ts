/** How probes name us to the backends that they ask. */
import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

/** `sluice-healthd/0.1.0` */
export const USER_AGENT = `sluice-healthd/${manifest.version}`;
