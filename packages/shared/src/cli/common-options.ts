/**
 * Options that every process of Sluice has, so that they are written, checked and documented in one way.
 */
import { z } from 'zod';
import { LOG_LEVELS } from '../log.js';
import { hostPortOrOff } from './option-values.js';
import { option } from './options.js';

export const CONFIG_MISSING = 'given: a file or folder of manifests';

/** `--config PATH`, `countMin` times at least. */
export function configOption(countMin = 1) {
  const schema = z
    .array(z.string().min(1))
    .min(countMin, { error: CONFIG_MISSING })
    .prefault(() => []);
  return option(schema, 'config', 'PATH', 'File or folder of YAML manifests; may be given several times', {
    repeatable: true,
    variableDefault: true,
  });
}

export function logLevelOption() {
  return option(
    z.enum(LOG_LEVELS, { error: `one of ${LOG_LEVELS.join(', ')}` }).prefault('info'),
    'log-level',
    'LEVEL',
    'Level of the process log on stderr',
  );
}

/** `--admin`; `at`: the default. */
export function adminOption(at: string, doc: string) {
  return option(hostPortOrOff().prefault(at), 'admin', 'ADDR:PORT|off', doc);
}

/** `--watch`: true for on. */
export function watchOption() {
  const schema = z
    .enum(['on', 'off'], { error: 'on or off' })
    .transform((text) => text === 'on')
    .prefault('on');
  return option(schema, 'watch', 'on|off', 'Read the configuration again when its files change; SIGHUP does so always');
}
