/** What handshakes are decided by: the worker's view of everything around it, fixed while it lives. Worker thread. */
import type { StatusBoard } from '@sluice/shared/health/board';
import type { SnapshotView } from '@sluice/shared/snapshot/view';
import type { Balancer } from '../policy/balancer.js';
import type { EndpointSets } from '../policy/endpoints.js';
import type { Router } from '../policy/router.js';
import type { BoundPort, HandshakeLimits, LogDetail } from './messages.js';
import type { HandshakeMeters } from './meters.js';

export interface HandshakeContext {
  readonly snapshot: SnapshotView;
  readonly ports: readonly BoundPort[];
  readonly router: Router;
  readonly balancer: Balancer;
  readonly endpoints: EndpointSets;
  readonly board: StatusBoard;
  readonly limits: HandshakeLimits;
  readonly accessLog: boolean;
  /** Nothing is counted without. */
  readonly meters?: HandshakeMeters | undefined;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  /** Told of an exception while an event was handled. */
  readonly onError: (error: unknown) => void;
  /** Told of an ejection and of a malformed load report. */
  readonly onNotice: (notice: Notice) => void;
}

/** Something that is worth a line in the log, sparingly. */
export interface Notice {
  readonly message: string;
  readonly detail: LogDetail;
}
