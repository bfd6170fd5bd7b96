/** A health daemon without probes: the test itself says over Redis which endpoints there are, and how they are. */
import type { BusPublisher } from '@sluice/shared/health/bus';
import type { RedisOptions } from '@sluice/shared/health/redis/options';
import { createRedisPublisher } from '@sluice/shared/health/redis/publisher';
import type { EndpointRecord, HealthStatus } from '@sluice/shared/health/table';
import { createLogger } from '@sluice/shared/log';
import { endpointKey } from '@sluice/shared/snapshot/endpoint-key';
import { eventually } from './eventually.js';
import { HEALTH_BUDGET_MS } from './health-gateway.js';
import type { Address } from './raw-client.js';

/** Service name (of namespace `test`) to its endpoints and their status. */
export type Said = Readonly<Record<string, readonly (readonly [endpoint: Address, status: HealthStatus])[]>>;

function keyOf(service: string, { address, port }: Address): string {
  return endpointKey(`test/${service}/80`, address, port);
}

function recordOf({ address, port }: Address, status: HealthStatus): EndpointRecord {
  const why = status === 'unhealthy' ? 'the test says so' : '';
  return { address, port, status, why, sinceMs: Date.now(), probedAtMs: Date.now(), probeMs: 1 };
}

export class HealthPublisher {
  readonly #bus: BusPublisher;
  #said: Said = {};

  constructor(options: RedisOptions) {
    this.#bus = createRedisPublisher(options, createLogger({ level: 'silent', name: 'publisher' }), 'test');
    this.#bus.start({ onElected: () => this.says(this.#said), onDeposed: () => undefined });
  }

  /** Publishes this and nothing else, now or as soon as it leads. */
  says(said: Said): void {
    this.#said = said;
    const entries = Object.entries(said).flatMap(([service, endpoints]) =>
      endpoints.map(([endpoint, status]) => [keyOf(service, endpoint), recordOf(endpoint, status)] as const),
    );
    this.#bus.publishTable(new Set(Object.keys(said).map((service) => `test/${service}/80`)), new Map(entries));
  }

  /** Publishes a verdict on one endpoint. */
  judges(service: string, endpoint: Address, status: HealthStatus): void {
    const set = [[keyOf(service, endpoint), recordOf(endpoint, status)] as const];
    this.#bus.publish({ addServices: [], removeServices: [], set, remove: [] });
  }

  async leads(): Promise<void> {
    const leading = (): void => {
      if (!this.#bus.leading) throw new Error('the publisher does not lead');
    };
    await eventually(leading, { budgetMs: HEALTH_BUDGET_MS });
  }

  async close(): Promise<void> {
    await this.#bus.close();
  }
}
