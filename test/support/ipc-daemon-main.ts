/**
 * A daemon at the end of an IPC channel, with `COUNT` endpoints, that publishes a change every few milliseconds:
 * `ipc-daemon-main.js IDENTITY COUNT`. Its first endpoint says how many endpoints it was seeded with.
 */
import { createIpcPublisher } from '@sluice/shared/health/ipc/publisher';
import { change, endpoints, keyOf, record, SERVICE, setStatus } from '@sluice/shared/health/testing';
import { createLogger } from '@sluice/shared/log';

const CHANGE_INTERVAL_MS = 50;

const [, , identity = '', count = '1'] = process.argv;
const publisher = createIpcPublisher(createLogger({ level: 'warn', name: identity }), identity);
let turn = 0;

publisher.start({
  onElected: (stored) => {
    const ports = Array.from({ length: Number(count) }, (_, index) => index + 1);
    publisher.publishTable(new Set([SERVICE]), endpoints(...ports));
    publisher.publish(
      change({ set: [[keyOf(1), record(1, 'healthy', `seeded with ${stored?.endpoints.size ?? 0}`)]] }),
    );
  },
  onDeposed: () => process.exit(0),
});

setInterval(() => {
  turn += 1;
  publisher.publish(setStatus(2, turn % 2 === 0 ? 'healthy' : 'unhealthy'));
}, CHANGE_INTERVAL_MS);
