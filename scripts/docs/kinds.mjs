/**
 * The reference of every kind, field and annotation in docs/configuration.md, out of the schemas; the line of each field is
 * in fields.yaml. Throws where a field has no line, or a line no field.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { ANNOTATIONS } from '../../packages/shared/dist/resources/annotations.js';
import { READ_KINDS } from '../../packages/shared/dist/resources/kinds.js';
import { fieldsOf } from './fields.mjs';

const LINES = parse(readFileSync(new URL('fields.yaml', import.meta.url), 'utf8'));
/** Below these fields everything is as below another one, which their line names. */
const SAME_AS_ANOTHER = /^spec\.(?:override|rules\[\]\.backendRefs\[\]\.filters)(?:\[\]|\.)/;
const OF_EVERY_KIND = new Set(['apiVersion', 'kind', 'metadata', 'status', 'spec']);

function cell(text) {
  return text.replaceAll('|', '\\|');
}

function documented({ path }) {
  return !OF_EVERY_KIND.has(path) && !path.startsWith('metadata.') && !SAME_AS_ANOTHER.test(path);
}

function row(field, line) {
  if (field.refused !== undefined) return `| \`${field.path}\` | refused |  | ${cell(field.refused)} |\n`;
  const fallback = field.default === '' ? (field.required ? 'required' : '') : `\`${cell(field.default)}\``;
  return `| \`${field.path}\` | ${cell(field.type)} | ${fallback} | ${cell(line)} |\n`;
}

function section(kind) {
  const id = `${kind.group}/${kind.kind}`;
  const { intro, ...lines } = LINES[id] ?? {};
  const fields = fieldsOf(kind.schema).filter(documented);
  const known = new Set(fields.filter(({ refused }) => refused === undefined).map(({ path }) => path));
  const missing = [...known].filter((path) => lines[path] === undefined);
  const strange = Object.keys(lines).filter((path) => !known.has(path));
  if (intro === undefined) missing.unshift('intro');
  if (missing.length > 0) throw new Error(`scripts/docs/fields.yaml: ${id} has no line for ${missing.join(', ')}`);
  if (strange.length > 0) throw new Error(`scripts/docs/fields.yaml: ${id} has no field ${strange.join(', ')}`);
  const versions = kind.versions.map((version) => `\`${kind.group === '' ? '' : `${kind.group}/`}${version}\``);
  const table =
    fields.length === 0 ? '' : `\n| field | type | default | meaning |\n|---|---|---|---|\n${rows(fields, lines)}`;
  return `### ${kind.kind} (${kind.group || 'core'})\n\n${versions.join(', ')}. ${intro}\n${table}`;
}

function rows(fields, lines) {
  return fields.map((field) => row(field, lines[field.path] ?? '')).join('');
}

function formOf({ form, range }) {
  return range === '' ? form : `${form}; ${range}`;
}

function annotationTable([kind, annotations]) {
  const lines = Object.values(annotations).map(({ key, value, default: absent, doc }) => {
    return `| \`${key}\` | ${cell(formOf(value))} | ${cell(absent)} | ${cell(doc)} |\n`;
  });
  return `### On a ${kind}\n\n| annotation | value | default | meaning |\n|---|---|---|---|\n${lines.join('')}`;
}

export function annotationsReference() {
  return Object.entries(ANNOTATIONS).map(annotationTable).join('\n');
}

export function kindsReference() {
  return READ_KINDS.map(section).join('\n');
}
