import type { LoadResult } from './resource.js';

/** One file's text, and the name that issues give it. */
export interface SourceFile {
  readonly file: string;
  readonly text: string;
}

export function parseResources(_documents: readonly SourceFile[]): LoadResult {
  throw new Error('not built yet');
}
