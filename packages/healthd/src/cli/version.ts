/** The version of this package, as `--version` and the ready line say it. */
import { readVersion } from '@sluice/shared/cli/version';

export const VERSION = readVersion(new URL('../../package.json', import.meta.url));
