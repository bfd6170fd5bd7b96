/** What a thread of attachment-worker.ts is told and tells. */
import type { EngineIndex } from '@sluice/dataplane/engine/binding';

export type Death =
  | 'throw'
  | 'exit'
  | 'exit-busy'
  | 'loop'
  | 'heap'
  | 'detach'
  | 'detach-throw'
  | 'detach-successor-throw';

/** Cells of the shared memory: a request for /die has been delivered; the thread may go on. */
export const SIGNAL = { dying: 0, goOn: 1 } as const;

/** Where connections are counted: their endpoint's slot of the status board, their metric group; and whose they are. */
export interface Dialled {
  readonly slot: number;
  readonly group: number;
  readonly owner: number;
}

export interface AttachmentTask {
  readonly engine: EngineIndex;
  readonly backendPort: number;
  readonly death: Death;
  readonly signals: Int32Array;
  /** Take sockets at once, not only when told to. */
  readonly ready: boolean;
  readonly dialled: Dialled;
}
export type ToAttachment = 'ready' | 'stale' | 'stop';
export type FromAttachment = { readonly attached: true } | { readonly stale: readonly boolean[] };
