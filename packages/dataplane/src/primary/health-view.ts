/**
 * What the gateway knows of its backends and of the health bus, to be read: for the admin port and for metrics.
 *
 * Read-only and of this moment; whoever reads keeps nothing of it. Primary thread.
 */
import type { EndpointStatus } from '@sluice/shared/health/board';
import type { BusState, BusSubscriber } from '@sluice/shared/health/bus';
import type { EndpointRecord, StatusTable } from '@sluice/shared/health/table';

/** Where statuses come from: Redis, a daemon that this process has started, or nowhere. */
export type HealthSource = 'redis' | 'embedded' | 'off';

export interface EndpointView {
  /** `namespace/name/port`. */
  readonly service: string;
  /** Canonical text form, without brackets. */
  readonly address: string;
  readonly port: number;
  /** On the status board: counts, loads and ejections are there. */
  readonly slot: number;
  /** What the board says of it. */
  readonly status: EndpointStatus;
  /** Why it is not usable, in words; '' when there is nothing to say. */
  readonly why: string;
  /** What the bus said last of it; null: the bus has never heard of it. */
  readonly record: EndpointRecord | null;
}

export interface HealthView {
  readonly source: HealthSource;
  /** Never fresh while `source` is `off`. */
  readonly state: BusState;
  readonly stats: BusSubscriber['stats'];
  /** The last table of the bus; null before the first one. */
  readonly table: StatusTable | null;
  /** Every service of the configuration, those without an endpoint included. */
  readonly services: readonly string[];
  /** The endpoints that exist now, service after service. */
  endpoints(): Iterable<EndpointView>;
  /** Endpoints that got no slot because `--endpoints-max` are in use. */
  readonly leftOut: number;
  /** Times that the embedded daemon was started again after it had ended. */
  readonly daemonRestarts: number;
}
