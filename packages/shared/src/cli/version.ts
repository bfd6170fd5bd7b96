/** The version of a package, as `--version` and the ready line say it. */
import { readFileSync } from 'node:fs';

/** `manifest`: URL of the package.json. */
export function readVersion(manifest: URL): string {
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
