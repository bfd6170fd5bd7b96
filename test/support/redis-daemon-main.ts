/**
 * A daemon that only leads: `redis-daemon-main.js OPTIONS IDENTITY`. While it leads it publishes one endpoint after the other, a
 * change every few milliseconds, on top of what its predecessor left. Tells its parent when it is elected and deposed.
 */
import type { RedisOptions } from '@sluice/shared/health/redis/options';
import { createRedisPublisher } from '@sluice/shared/health/redis/publisher';
import { change, keyOf, record, SERVICE } from '@sluice/shared/health/testing';
import { createLogger } from '@sluice/shared/log';

export type DaemonMessage =
  | { readonly type: 'elected'; readonly epoch: number; readonly stored: number; readonly seeded: boolean }
  | { readonly type: 'deposed'; readonly reason: string };

const CHANGE_INTERVAL_MS = 50;
const PORTS = 500;

const [, , options = '{}', identity = ''] = process.argv;
const publisher = createRedisPublisher(
  JSON.parse(options) as RedisOptions,
  createLogger({ level: 'warn', name: identity }),
  identity,
);
let port = 0;

function tell(message: DaemonMessage): void {
  process.send?.(message);
}

publisher.start({
  onElected: (stored, epoch) => {
    publisher.publishTable(stored?.services ?? new Set([SERVICE]), stored?.endpoints ?? new Map());
    tell({ type: 'elected', epoch, stored: stored?.endpoints.size ?? 0, seeded: stored !== null });
  },
  onDeposed: (reason) => tell({ type: 'deposed', reason }),
});

setInterval(() => {
  port = (port % PORTS) + 1;
  publisher.publish(change({ set: [[keyOf(port), record(port, 'healthy', identity)]] }));
}, CHANGE_INTERVAL_MS);

process.on('message', (message) => {
  if (message === 'close') void publisher.close().then(() => process.exit(0));
});
process.on('disconnect', () => process.exit(0));
