/**
 * YAML text to plain objects that remember where they were written.
 *
 * Takes several documents a file and `kind: List`. Syntax errors, repeated keys and alias bombs are issues; what the
 * rest of the file says is read all the same. No issue shows what the file says: it may be a Secret. Most documents are read quickly, and once more with positions when
 * something must be said of them. No schema is known here. Any thread.
 */
import type { Document, LineCounter, Node, YAMLError } from 'yaml';
import { type DocumentText, splitDocuments } from './documents.js';
import { type ConfigIssue, fileIssue } from './issue.js';
import { createOrigin, type Lines, position } from './locator.js';
import { readJson } from './plain-json.js';
import { readPlain } from './plain-yaml.js';
import type { Origin } from './resource.js';
import { yamlPackage } from './yaml-package.js';

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
  const issues: ConfigIssue[] = [];
  const objects: SourceObject[] = [];
  for (const part of splitDocuments(text)) {
    const value = readJson(part.text) ?? readPlain(part.text);
    if (value === undefined || isList(value)) readWhole({ file, part, issues, objects });
    else objects.push({ value, origin: lazyOrigin(file, part) });
  }
  if (objects.length === 0 && issues.length === 0) {
    issues.push(fileIssue(file, 'contains no resource', 'a manifest has apiVersion, kind and metadata'));
  }
  return { objects, issues };
}

/** The origin of a resource that is a document: its positions are looked for when somebody asks. */
function lazyOrigin(file: string, part: DocumentText): Origin {
  let origin: Origin | undefined;
  return {
    file,
    locate(path, target) {
      if (origin === undefined) {
        const lines = new (yamlPackage().LineCounter)();
        const [document] = parseDocuments(part.text, lines) ?? [];
        if (document === undefined) return { line: part.linesBefore + 1, column: 1 };
        origin = createOrigin(file, document, { lines, before: part.linesBefore }, document.contents);
      }
      return origin.locate(path, target);
    },
  };
}

interface Part {
  readonly file: string;
  readonly part: DocumentText;
  readonly issues: ConfigIssue[];
  readonly objects: SourceObject[];
}

/** Reads a part of a file with all of the language, positions included. */
function readWhole({ file, part, issues, objects }: Part): void {
  const counter = new (yamlPackage().LineCounter)();
  const lines = { lines: counter, before: part.linesBefore };
  const report = (offset: number, message: string, hint = '') =>
    issues.push(fileIssue(file, message, hint, position(lines, offset)));
  const documents = parseDocuments(part.text, counter);
  if (documents === undefined) {
    issues.push(fileIssue(file, 'is nested too deeply'));
    return;
  }
  for (const document of documents) {
    reportSyntax(part.text, [...document.errors, ...document.warnings], report);
    if (document.errors.length > 0 || document.contents === null) continue;
    const value = toPlain(document, report);
    if (value === undefined || value === null) continue;
    const origin = createOrigin(file, document, lines, document.contents);
    collect({ file, document, lines, issues, objects }, document.contents, value, origin, LIST_DEPTH_MAX);
  }
}

function parseDocuments(text: string, lines: LineCounter): readonly Document.Parsed[] | undefined {
  try {
    const parsed = yamlPackage().parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false,
      merge: true,
      strict: true,
    });
    return Array.isArray(parsed) ? parsed : [];
  } catch (error) {
    // The composer is recursive: only the depth of the text can exhaust the stack.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Files that were put together without a separator repeat every key: that is said once. */
function reportSyntax(
  text: string,
  errors: readonly YAMLError[],
  report: (offset: number, message: string, hint?: string) => void,
): void {
  const repeated = (error: YAMLError) => error.code === 'DUPLICATE_KEY';
  const second = errors.find((error) => repeated(error) && beginsResource(text, error.pos[0]));
  if (second !== undefined)
    report(second.pos[0], 'a second resource begins in the same document', 'write a line --- before it');
  for (const error of errors) {
    if (!repeated(error) || second === undefined) report(error.pos[0], syntaxMessage(error));
  }
}

function beginsResource(text: string, offset: number): boolean {
  return (offset === 0 || text[offset - 1] === '\n') && /^(?:apiVersion|kind):/.test(text.slice(offset, offset + 12));
}

function syntaxMessage(error: { readonly code?: string; readonly message: string }): string {
  return error.code === 'DUPLICATE_KEY' ? 'the same key twice in one mapping' : `YAML: ${withoutText(error.message)}`;
}

/** What stands behind a colon is a piece of the file, and that may be a password: the place is said anyhow. */
function withoutText(message: string): string {
  const colon = message.indexOf(': ');
  return colon < 0 ? message : message.slice(0, colon);
}

function toPlain(document: Document, fail: (offset: number, message: string) => void): unknown {
  const start = document.contents?.range?.[0] ?? 0;
  try {
    return withoutNulls(document.toJS({ maxAliasCount: ALIAS_COUNT_MAX }));
  } catch (error) {
    if (error instanceof ReferenceError) fail(unresolvedAlias(document) ?? start, syntaxMessage(error));
    else if (error instanceof RangeError) fail(start, 'is nested too deeply, or refers to itself');
    // A merge of something that is no mapping.
    else fail(start, error instanceof Error ? syntaxMessage(error) : 'YAML: cannot be read');
    return undefined;
  }
}

/** Offset of the first alias without an anchor before it. */
function unresolvedAlias(document: Document): number | undefined {
  const { visit } = yamlPackage();
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
  readonly lines: Lines;
  readonly issues: ConfigIssue[];
  readonly objects: SourceObject[];
}

function collect(into: Collector, node: Node | null, value: unknown, origin: Origin, depth: number): void {
  if (!isRecord(value)) {
    into.issues.push(fileIssue(into.file, 'is not a resource', 'a mapping is expected', origin.locate([])));
  } else if (isList(value)) {
    collectItems(into, node, value, origin, depth);
  } else {
    into.objects.push({ value, origin });
  }
}

/** `List`, or a kind's own (`HTTPRouteList`), of which the items need not say what they are. */
function isList({ kind, items }: Readonly<Record<string, unknown>>): boolean {
  return kind === 'List' || (typeof kind === 'string' && /^[A-Z]\w+List$/.test(kind) && Array.isArray(items));
}

/** An item of a kind's own list is of that kind. */
function asItem(item: unknown, { kind, apiVersion }: Readonly<Record<string, unknown>>): unknown {
  if (kind === 'List' || typeof kind !== 'string' || !isRecord(item)) return item;
  return { ...(apiVersion !== undefined && { apiVersion }), kind: kind.slice(0, -'List'.length), ...item };
}

type ListValue = Readonly<Record<string, unknown>>;

function collectItems(into: Collector, node: Node | null, list: ListValue, origin: Origin, depth: number): void {
  const { items } = list;
  const at = origin.locate(['items'], 'key');
  if (items !== undefined && !Array.isArray(items)) {
    into.issues.push(fileIssue(into.file, 'items of a List is not a sequence', '', at));
    return;
  }
  if (depth === 0) {
    into.issues.push(fileIssue(into.file, 'Lists are nested too deeply', '', at));
    return;
  }
  const { isMap, isSeq } = yamlPackage();
  const sequence = isMap(node) ? node.get('items', true) : undefined;
  const nodes = isSeq(sequence) ? sequence.items : [];
  for (const [index, item] of (items ?? []).entries()) {
    const itemNode = (nodes[index] ?? null) as Node | null;
    collect(
      into,
      itemNode,
      asItem(item, list),
      createOrigin(into.file, into.document, into.lines, itemNode),
      depth - 1,
    );
  }
}

/** Whether a value is a mapping. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
