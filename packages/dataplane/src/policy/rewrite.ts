/**
 * The path that a request goes on with, or is sent elsewhere with (HTTPPathModifier), by whole path elements.
 *
 * Invariant: what comes out begins with a slash. The query is no part of a path here and is kept by whoever writes the
 * target. Pure; runs in the workers.
 */
import type { RewriteSnapshot } from '@sluice/shared/snapshot/rule-policy';

/**
 * `prefixLength`: of the path that matched, as in `RouteMatch`. A slash at the end of the replacement is ignored, and
 * nothing at all is `/`, as the table of HTTPPathModifier.ReplacePrefixMatch has it (apis/v1/httproute_types.go).
 */
export function modifiedPath(path: string, prefixLength: number, modifier: RewriteSnapshot['path']): string {
  if (modifier === null) return path;
  if (modifier.type === 'full') return rooted(modifier.value);
  const { value } = modifier;
  const prefix = value.endsWith('/') ? value.slice(0, -1) : value;
  return rooted(prefix + path.slice(prefixLength));
}

function rooted(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}
