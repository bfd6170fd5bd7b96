import type { ConfigIssue } from '../resources/issue.js';
import type { ResourceSet } from '../resources/resource.js';
import type { SlotAssignment } from './slots.js';
import type { Snapshot } from './snapshot.js';

export interface CompileResult {
  readonly snapshot: Snapshot;
  readonly issues: readonly ConfigIssue[];
  /** The slots that the snapshot uses, for the next compilation. */
  readonly slots: SlotAssignment;
}

export function compileSnapshot(_resources: ResourceSet, _occupied?: SlotAssignment): CompileResult {
  throw new Error('not built yet');
}
