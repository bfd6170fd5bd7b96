/**
 * From a path in a resource to the line and column where it was written.
 *
 * Follows aliases and merge keys to the place that holds the text. A field that is not there has the position of the
 * nearest field around it that is. Never throws. Any thread.
 */
import type { Document, LineCounter, Node, Pair } from 'yaml';
import type { ConfigPath } from './path.js';
import type { Origin, Position } from './resource.js';
import { yamlPackage } from './yaml-package.js';

/** The steps into `<<` merges that are followed for one key: enough for people, too few for a loop. */
const MERGES_MAX = 16;

/** The origin of the resource at `root` of a parsed document. */
export function createOrigin(file: string, document: Document, lines: Lines, root: Node | null): Origin {
  const { isAlias, isNode } = yamlPackage();
  const resolve = (node: unknown): Node | undefined => {
    if (isAlias(node)) return node.resolve(document);
    return isNode(node) ? node : undefined;
  };
  return {
    file,
    locate: (path, target = 'value') => {
      const offset = root === null ? undefined : find(root, path, target, resolve);
      return position(lines, offset ?? document.range?.[0] ?? 0);
    },
  };
}

/** The lines of a part of a file. */
export interface Lines {
  readonly lines: LineCounter;
  /** Lines of the file before the part. */
  readonly before: number;
}

/** Line and column of an offset in the part, both from 1. */
export function position({ lines, before }: Lines, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: before + Math.max(line, 1), column: Math.max(col, 1) };
}

type Resolve = (node: unknown) => Node | undefined;

function find(root: Node, path: ConfigPath, target: 'key' | 'value', resolve: Resolve): number | undefined {
  let node: Node | undefined = resolve(root);
  let offset = start(root);
  for (const [index, step] of path.entries()) {
    const found = child(node, step, resolve);
    if (found === undefined) break;
    const last = index === path.length - 1;
    offset =
      (last && target === 'key' ? start(found.key) : undefined) ?? start(found.value) ?? start(found.key) ?? offset;
    node = resolve(found.value);
  }
  return offset;
}

interface Child {
  readonly key: unknown;
  readonly value: unknown;
}

function child(node: Node | undefined, step: string | number, resolve: Resolve): Child | undefined {
  const { isMap, isSeq } = yamlPackage();
  if (isSeq(node)) {
    const value = typeof step === 'number' ? node.items[step] : undefined;
    return value === undefined ? undefined : { key: value, value };
  }
  return isMap(node) ? entry(node.items, String(step), resolve, MERGES_MAX) : undefined;
}

function entry(pairs: readonly Pair[], key: string, resolve: Resolve, merges: number): Child | undefined {
  const { isMap, isScalar, isSeq } = yamlPackage();
  const own = pairs.find((pair) => isScalar(pair.key) && String(pair.key.value) === key);
  if (own !== undefined || merges === 0) return own;
  for (const merged of pairs.filter((pair) => isScalar(pair.key) && isMergeKey(pair.key.value))) {
    const source = resolve(merged.value);
    for (const item of isSeq(source) ? source.items : [source]) {
      const map = resolve(item);
      const found = isMap(map) ? entry(map.items, key, resolve, merges - 1) : undefined;
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** With merging on, the parser gives the key `<<` as a symbol of that name. */
function isMergeKey(value: unknown): boolean {
  return value === '<<' || (typeof value === 'symbol' && value.description === '<<');
}

function start(node: unknown): number | undefined {
  const { isNode, isPair } = yamlPackage();
  if (isPair(node)) return start(node.key);
  return isNode(node) ? (node.range?.[0] ?? undefined) : undefined;
}
