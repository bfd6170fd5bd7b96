/**
 * Documents against the code: the ladder's refusals, the close reasons, and every path that a document names.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { loadNative } from '@sluice/dataplane/engine/binding';
import { REFUSALS } from '@sluice/dataplane/policy/refusal';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, ROOT), 'utf8');
const ARCHITECTURE = read('docs/architecture.md');

/** The rows of the table under a heading, up to the next heading. */
function section(text: string, heading: string): string {
  const body = text.split(`## ${heading}\n`)[1];
  if (body === undefined) throw new Error(`no section ${heading}`);
  return body.split('\n## ')[0] ?? '';
}

describe('docs/architecture.md', () => {
  it('names every refusal of the catalogue with its status, and no other', () => {
    const named = [...section(ARCHITECTURE, "The request's ladder").matchAll(/(\d{3}) `([a-z0-9-]+)`/g)];
    const documented = named.map(([, status, code]) => `${status} ${code}`);
    const catalogue = Object.entries(REFUSALS).map(([code, { status }]) => `${status} ${code}`);
    expect(documented.sort()).toEqual(catalogue.sort());
  });

  it('names every close reason of the engine, and no other', () => {
    const documented = [...section(ARCHITECTURE, 'Close reasons').matchAll(/^\| `([a-z0-9-]+)` \|/gm)];
    expect(documented.map(([, reason]) => reason)).toEqual(loadNative().closeReasons());
  });
});

describe('paths in documents', () => {
  const documents = [
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync(new URL('docs', ROOT)).map((name) => `docs/${name}`),
  ];
  it.each(documents)('of %s exist', (document) => {
    const text = read(document);
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(
      ([, target]) => new URL(`${target}`, new URL(document, ROOT)),
    );
    const paths = [...text.matchAll(/`((?:packages|test|bench|examples|docs|scripts)\/[\w./-]+)`/g)].map(
      ([, target]) => new URL(`${target}`, ROOT),
    );
    const missing = [...links, ...paths].filter((url) => !existsSync(url));
    expect(missing.map(String)).toEqual([]);
  });
});
