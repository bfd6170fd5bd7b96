/**
 * YAML text to plain objects that remember where they were written.
 *
 * Takes several documents a file and `kind: List`. Syntax errors, repeated keys and alias bombs are issues; what the
 * rest of the file says is read all the same. No schema is known here. Any thread.
 */
import { type Document, isMap, isSeq, LineCounter, type Node, parseAllDocuments, visit } from 'yaml';
import type { ConfigIssue } from './issue.js';
import { createOrigin, position } from './locator.js';
import type { Origin } from './resource.js';

/** One file's text, and the name that issues give it. */
export interface SourceFile {
  readonly file: string;
  readonly text: string;
}

/** A YAML mapping that should be a resource; fields that are null are left out. */
export interface SourceObject {
  readonly value: Readonly<Record<string, unknown>>;
  readonly origin: Origin;
}

export interface SourceResult {
  readonly objects: readonly SourceObject[];
  readonly issues: readonly ConfigIssue[];
}

/** Times that aliases may multiply nodes before the file is taken for a bomb. */
const ALIAS_COUNT_MAX = 1000;
/** Lists inside lists; kubectl writes one level. */
const LIST_DEPTH_MAX = 4;

/** The objects of one file. Never throws. */
export function readSource({ file, text }: SourceFile): SourceResult {
  const lines = new LineCounter();
  const issues: ConfigIssue[] = [];
  const objects: SourceObject[] = [];
  const report = (offset: number, message: string, hint = '') =>
    issues.push(fileIssue(file, message, hint, position(lines, offset)));
  const documents = parseDocuments(text, lines);
  if (documents === undefined) return { objects, issues: [fileIssue(file, 'is nested too deeply')] };
  for (const document of documents) {
    for (const error of [...document.errors, ...document.warnings]) report(error.pos[0], syntaxMessage(error));
    if (document.errors.length > 0 || document.contents === null) continue;
    const value = toPlain(document, report);
    if (value === undefined || value === null) continue;
    const origin = createOrigin(file, document, lines, document.contents);
    collect({ file, document, lines, issues, objects }, document.contents, value, origin, LIST_DEPTH_MAX);
  }
  if (objects.length === 0 && issues.length === 0) {
    issues.push(fileIssue(file, 'contains no resource', 'a manifest has apiVersion, kind and metadata'));
  }
  return { objects, issues };
}

/** An error about a file; without a position when it concerns the whole of it. */
export function fileIssue(file: string, message: string, hint = '', at = { line: 0, column: 0 }): ConfigIssue {
  return { severity: 'error', file, ...at, path: '', resource: '', message, hint };
}

function parseDocuments(text: string, lines: LineCounter): readonly Document.Parsed[] | undefined {
  try {
    const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, merge: true, strict: true });
    return Array.isArray(parsed) ? parsed : [];
  } catch (error) {
    // The composer is recursive: only the depth of the text can exhaust the stack.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function syntaxMessage(error: { readonly code: string; readonly message: string }): string {
  return error.code === 'DUPLICATE_KEY' ? 'the same key twice in one mapping' : `YAML: ${error.message}`;
}

function toPlain(document: Document, fail: (offset: number, message: string) => void): unknown {
  const start = document.contents?.range?.[0] ?? 0;
  try {
    return withoutNulls(document.toJS({ maxAliasCount: ALIAS_COUNT_MAX }));
  } catch (error) {
    if (error instanceof ReferenceError) fail(unresolvedAlias(document) ?? start, `YAML: ${error.message}`);
    else if (error instanceof RangeError) fail(start, 'is nested too deeply, or refers to itself');
    // A merge of something that is no mapping.
    else fail(start, `YAML: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** Offset of the first alias without an anchor before it. */
function unresolvedAlias(document: Document): number | undefined {
  let offset: number | undefined;
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return undefined;
      offset = alias.range?.[0];
      return visit.BREAK;
    },
  });
  return offset;
}

/** In Kubernetes a field that is null is a field that is absent. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(kept.map(([key, field]) => [key, withoutNulls(field)]));
}

interface Collector {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
  readonly issues: ConfigIssue[];
  readonly objects: SourceObject[];
}

function collect(into: Collector, node: Node | null, value: unknown, origin: Origin, depth: number): void {
  if (!isRecord(value)) {
    into.issues.push(fileIssue(into.file, 'is not a resource', 'a mapping is expected', origin.locate([])));
  } else if (value.kind !== 'List') {
    into.objects.push({ value, origin });
  } else {
    collectItems(into, node, value.items, origin, depth);
  }
}

function collectItems(into: Collector, node: Node | null, items: unknown, origin: Origin, depth: number): void {
  const at = origin.locate(['items'], 'key');
  if (items !== undefined && !Array.isArray(items)) {
    into.issues.push(fileIssue(into.file, 'items of a List is not a sequence', '', at));
    return;
  }
  if (depth === 0) {
    into.issues.push(fileIssue(into.file, 'Lists are nested too deeply', '', at));
    return;
  }
  const sequence = isMap(node) ? node.get('items', true) : undefined;
  const nodes = isSeq(sequence) ? sequence.items : [];
  for (const [index, item] of (items ?? []).entries()) {
    const itemNode = (nodes[index] ?? null) as Node | null;
    collect(into, itemNode, item, createOrigin(into.file, into.document, into.lines, itemNode), depth - 1);
  }
}

/** Whether a value is a mapping. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
