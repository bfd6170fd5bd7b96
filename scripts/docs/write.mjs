/**
 * Writes what of the docs is generated: docs/options.md, and the parts of docs/configuration.md between its marks.
 *
 * `--check` writes nothing and ends with 1 when a page is not what the schemas say; `npm test` runs that. Needs the
 * compiled packages.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { annotationsReference, kindsReference } from './kinds.mjs';
import { optionsPage } from './options.mjs';

const DOCS = path.join(path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url)))), 'docs');

/** Replaces what stands between `<!-- begin NAME -->` and `<!-- end NAME -->`. */
function between(page, name, text) {
  const begin = `<!-- begin ${name}: written by scripts/docs/write.mjs -->\n`;
  const end = `<!-- end ${name} -->`;
  const at = page.indexOf(begin);
  const stop = page.indexOf(end);
  if (at < 0 || stop < at) throw new Error(`docs/configuration.md has no marks for ${name}`);
  return `${page.slice(0, at + begin.length)}\n${text}\n${page.slice(stop)}`;
}

function configurationPage() {
  const page = readFileSync(path.join(DOCS, 'configuration.md'), 'utf8');
  return between(between(page, 'annotations', annotationsReference()), 'kinds', kindsReference());
}

const pages = { 'options.md': optionsPage(), 'configuration.md': configurationPage() };
for (const [name, text] of Object.entries(pages)) {
  const file = path.join(DOCS, name);
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text);
  } else if (readFileSync(file, 'utf8') !== text) {
    console.error(`docs/${name} is not what the schemas say: run  node scripts/docs/write.mjs`);
    process.exitCode = 1;
  }
}
