import type { LoadResult } from './resource.js';

export function loadResources(_paths: readonly string[]): LoadResult {
  throw new Error('not built yet');
}
