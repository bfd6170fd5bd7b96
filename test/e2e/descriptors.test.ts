/** Descriptors run out: connections beyond them wait, without a spin, and are served when some come free. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { splitHead, upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

const LIMIT = 300;
const CLIENTS = 200;
/** Over which the processor time of a waiting gateway is measured. */
const WINDOW_MS = 1_000;

const served = (client: RawClient) => splitHead(client.buffered)?.head.status === 101;

test('beyond the limit of descriptors connections wait', async () => {
  const backend = await EchoBackend.start({ record: false });
  await withGateway(
    { config: { services: { echo: [backend] } }, wrapper: ['prlimit', `--nofile=${LIMIT}:${LIMIT}`] },
    async (gateway) => {
      const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawClient.connect(gateway)));
      await Promise.all(clients.map((client) => client.write(upgradeHead())));
      let count = -1;
      await eventually(
        () => {
          const now = clients.filter(served).length;
          const same = now === count && now > 0;
          count = now;
          expect(same).toBe(true);
        },
        { successes: 20 },
      );
      expect(count).toBeGreaterThan(20);
      expect(count).toBeLessThan(CLIENTS);
      expect(clients.filter(({ ended }) => ended)).toHaveLength(0);
      const before = gateway.cpuMs();
      await delay(WINDOW_MS);
      expect(gateway.cpuMs() - before).toBeLessThan(WINDOW_MS / 4);
      expect((await gateway.admin('/livez')).status).toBe(200);
      await gateway.logged(({ msg }) => String(msg).startsWith('accepting waits: descriptors'));
      for (let done = 0; done < CLIENTS; ) {
        const ready = clients.filter((client) => served(client) && !client.socket.writableEnded);
        for (const client of ready) {
          client.end();
        }
        done += ready.length;
        if (ready.length === 0) {
          await delay(10);
        }
      }
      for (const client of clients) {
        expect(await client.outcome()).toBe('fin');
      }
      await gateway.settled();
      await gateway.logged(({ msg }) => msg === 'accepting goes on');
      const after = await RawClient.upgrade(gateway);
      after.end();
      await after.outcome();
    },
    [backend],
  );
});
