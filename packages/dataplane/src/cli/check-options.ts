/** The options of `sluice check`: apart from the command, so that `serve` does not load what compiles. Main thread, at start. */
import { configOption } from '@sluice/shared/cli/common-options';
import { option } from '@sluice/shared/cli/options';
import { z } from 'zod';

export const FORMATS = ['table', 'json', 'yaml'] as const;
export type ReportFormat = (typeof FORMATS)[number];

export const checkSchema = z.strictObject({
  config: configOption(),
  output: option(
    z.enum(FORMATS, { error: `one of ${FORMATS.join(', ')}` }).prefault('table'),
    'output',
    'FORMAT',
    'How the result is printed: table, json or yaml',
    { short: 'o' },
  ),
});

export type CheckOptions = z.output<typeof checkSchema>;
