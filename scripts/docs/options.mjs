/**
 * docs/options.md out of the option schemas of `sluice serve` and `healthd`, so that flags, defaults and their lines are
 * written down once.
 */
import { optionsSchema } from '../../packages/dataplane/dist/cli/options.js';
import { optionsSchema as healthdSchema } from '../../packages/healthd/dist/cli/options.js';
import { environmentName, optionDefault, optionDoc, optionNames } from '../../packages/shared/dist/cli/options.js';

const INTRO = `# Options

<!-- Written by scripts/docs/write.mjs from packages/{dataplane,healthd}/src/cli/options.ts: edit there. -->

What is served is said by Kubernetes manifests (\`--config\`, [configuration.md](configuration.md)); how a process serves it is said by options. Every option is
a flag of its command and a variable in the environment; the flag wins, and an empty variable counts as not set. In a
variable, several values of a repeatable flag are separated by commas. Unknown flags and values out of range end the
start with exit code 2.

Durations are written \`10s\`, \`500ms\`, \`1h30m\`; a bare number is seconds. Sizes are written \`16384\`, \`16KiB\`, \`64MiB\`.

## sluice serve

`;

const TABLE = '| flag | variable | default | meaning |\n|---|---|---|---|\n';

const HEALTHD = `
## healthd

The daemon that probes, when it runs by itself over Redis. It takes the same manifests, and the same variables: one that both
processes read is set per process.

`;

const OUTRO = `
## Variables for tests

Two more variables are for tests only: \`SLUICE_FAULTS\` (see [operations.md](operations.md)) and \`SLUICE_NATIVE\`, the path of
another build of the native engine.
`;

function cell(text) {
  return text.replaceAll('|', '\\|');
}

function row(schema, name) {
  const { flag, argument, doc, repeatable } = optionDoc(schema, name);
  const shown = optionDefault(schema, name);
  const fallback = argument === '' ? 'off' : shown ? `\`${cell(shown)}\`` : '';
  const usage = argument === '' ? `--${flag}` : `--${flag} ${argument}`;
  const meaning = repeatable && !doc.includes('several') ? `${doc}; may be given several times` : doc;
  return `| \`${cell(usage)}\` | \`${environmentName(flag)}\` | ${fallback} | ${cell(meaning)} |\n`;
}

function table(schema) {
  const names = optionNames(schema).filter((name) => !optionDoc(schema, name).hidden);
  return TABLE + names.map((name) => row(schema, name)).join('');
}

/** The whole page. */
export function optionsPage() {
  return INTRO + table(optionsSchema) + HEALTHD + table(healthdSchema) + OUTRO;
}
