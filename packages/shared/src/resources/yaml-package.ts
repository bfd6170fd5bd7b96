/**
 * The `yaml` package, loaded when the first text asks for it: it takes 50 ms, and most manifests do without it
 * (plain-yaml.ts). Any thread.
 */
import { createRequire } from 'node:module';

type Yaml = typeof import('yaml');

const require = createRequire(import.meta.url);
let loaded: Yaml | undefined;

export function yamlPackage(): Yaml {
  loaded ??= require('yaml') as Yaml;
  return loaded;
}
