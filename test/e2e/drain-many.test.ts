/** Many connections end at once and the access log's ring is small: no record is lost. */
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

const CONNECTIONS = 400;

test('a drain without patience writes a record for every connection', async () => {
  const backend = await EchoBackend.start({ record: false });
  const flags = { workers: '1', 'drain-timeout': '0', 'access-log-ring-bytes': '65536' };
  await withGateway(
    { config: { services: { echo: [backend] } }, flags },
    async (gateway) => {
      const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => RawClient.upgrade(gateway)));
      gateway.child.kill('SIGTERM');
      expect(await gateway.end(15_000)).toEqual({ code: 0, signal: null });
      const reasons = gateway.accessLog.records().map(({ closeReason }) => closeReason);
      expect(reasons).toEqual(Array(CONNECTIONS).fill('drain-timeout'));
      expect(gateway.log.filter(({ level = 0 }) => level >= 40)).toEqual([]);
      for (const client of clients) client.destroy();
    },
    [backend],
  );
});
