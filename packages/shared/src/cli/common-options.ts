/**
 * Options that every process of Sluice has, so that they are written, checked and documented in one way.
 */
import { z } from 'zod';
import { LOG_LEVELS } from '../log.js';
import { hostPortOrOff } from './option-values.js';
import { option } from './options.js';

/** `--config PATH`, at least once. */
export function configOption() {
  const schema = z
    .array(z.string().min(1))
    .min(1, { error: 'given: a file or folder of manifests' })
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
