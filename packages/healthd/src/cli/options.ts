/**
 * The options of `healthd`: the one place where each has its flag, type, range, default, unit and document.
 *
 * Every value comes in as text. At start.
 */
import {
  adminOption,
  CONFIG_MISSING,
  configOption,
  logLevelOption,
  watchOption,
} from '@sluice/shared/cli/common-options';
import { duration, flag, integer } from '@sluice/shared/cli/option-values';
import { option } from '@sluice/shared/cli/options';
import { redisOptions } from '@sluice/shared/cli/redis-options';
import { z } from 'zod';

const options = z.strictObject({
  config: configOption(0),
  watch: watchOption(),
  ...redisOptions,
  resolveIntervalMs: option(
    duration(100, 3_600_000).prefault('5s'),
    'resolve-interval',
    'D',
    'Between two lookups of a name, give or take a tenth',
  ),
  probesMax: option(integer(1, 10_000).prefault('256'), 'probes-max', 'N', 'Probes that may run at once'),
  admin: adminOption('127.0.0.1:9901', 'Admin port: GET /livez, /readyz, /metrics, /backendHealth'),
  logLevel: logLevelOption(),
  embedded: option(flag().prefault('false'), 'embedded', '', 'Speak to the parent process instead of Redis', {
    hidden: true,
  }),
});

/** The parent of an embedded daemon says what there is to probe. */
export const optionsSchema = options.superRefine(({ config, embedded }, context) => {
  if (!embedded && config.length === 0) context.addIssue({ code: 'custom', path: ['config'], message: CONFIG_MISSING });
});

/** Every option of `healthd`, checked, defaults filled in; times in ms. */
export type Options = z.output<typeof optionsSchema>;
