/**
 * Writes docs/configuration.md out of the option schema of `sluice serve`, so that flags, defaults and their lines are
 * written down once. `--check` writes nothing and ends with 1 when the page is not what the schema says; `npm test`
 * runs that. Needs the compiled packages.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { optionsSchema } from '../packages/dataplane/dist/cli/options.js';
import { environmentName, optionDefault, optionDoc, optionNames } from '../packages/shared/dist/cli/options.js';

const PAGE = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), 'docs/configuration.md');

const INTRO = `# Configuration

<!-- Written by scripts/options-doc.mjs from packages/dataplane/src/cli/options.ts: edit there. -->

What is served is said by Kubernetes manifests (\`--config\`); how this process serves it is said by options. Every option is
a flag of \`sluice serve\` and a variable in the environment; the flag wins, and an empty variable counts as not set. In a
variable, several values of a repeatable flag are separated by commas. Unknown flags and values out of range end the
start with exit code 2.

Durations are written \`10s\`, \`500ms\`, \`1h30m\`; a bare number is seconds. Sizes are written \`16384\`, \`16KiB\`, \`64MiB\`.

| flag | variable | default | meaning |
|---|---|---|---|
`;

const OUTRO = `
Two more variables are for tests only: \`SLUICE_FAULTS\` (see [operations.md](operations.md)) and \`SLUICE_NATIVE\`, the path of
another build of the native engine.
`;

function cell(text) {
  return text.replaceAll('|', '\\|');
}

function row(name) {
  const { flag, argument, doc, repeatable } = optionDoc(optionsSchema, name);
  const shown = optionDefault(optionsSchema, name);
  const fallback = argument === '' ? 'off' : shown ? `\`${cell(shown)}\`` : '';
  const usage = argument === '' ? `--${flag}` : `--${flag} ${argument}`;
  const meaning = repeatable && !doc.includes('several') ? `${doc}; may be given several times` : doc;
  return `| \`${cell(usage)}\` | \`${environmentName(flag)}\` | ${fallback} | ${cell(meaning)} |\n`;
}

const page = INTRO + optionNames(optionsSchema).map(row).join('') + OUTRO;

if (!process.argv.includes('--check')) {
  writeFileSync(PAGE, page);
} else if (readFileSync(PAGE, 'utf8') !== page) {
  console.error('docs/configuration.md is not what the options say: run  node scripts/options-doc.mjs');
  process.exitCode = 1;
}
