/** No worker lives: spliced connections are kept moving by the primary until a worker is back. */
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { RawClient } from '../support/raw-client.js';
import { SANITIZED } from '../support/sanitizer.js';
import { withGateway } from '../support/scenario.js';

const DEATHS = 6;
/** Below the last death's restart delay (1.6 s), so that an echo in time was the primary's work. */
const BUDGET_MS = SANITIZED ? 1_500 : 500;

test('the only worker dies again and again', async () => {
  const backend = await EchoBackend.start({ record: false });
  await withGateway(
    { config: { services: { echo: [backend] } }, flags: { workers: '1' }, faults: true, expectErrors: true },
    async (gateway) => {
      const client = await RawClient.upgrade(gateway);
      const died = () => gateway.log.filter(({ msg }) => msg === 'worker died');
      for (let death = 1; death <= DEATHS; death += 1) {
        await eventually(async () => {
          expect((await gateway.admin('/fault/throw?worker=0', 'POST')).status).toBe(202);
        });
        await eventually(() => expect(died()).toHaveLength(death));
        await client.write(`echo ${death}`);
        expect((await client.read(6, BUDGET_MS)).toString()).toBe(`echo ${death}`);
      }
      // The last death's successor is not due for longer than an echo may take: nobody but the primary answered it.
      expect(Number(died().at(-1)?.restartInMs)).toBeGreaterThan(BUDGET_MS);
      await gateway.logged(({ msg }) => msg === 'worker ready', 10_000);
      client.end();
      await client.outcome();
      const next = await eventually(() => RawClient.upgrade(gateway));
      next.end();
      await next.outcome();
    },
    [backend],
  );
});

test('an engine without a worker is drained like any other', async () => {
  const backend = await EchoBackend.start({ record: false });
  const flags = { workers: '1', 'drain-timeout': '0' };
  await withGateway(
    { config: { services: { echo: [backend] } }, flags, faults: true, expectErrors: true },
    async (gateway) => {
      const client = await RawClient.upgrade(gateway);
      for (let death = 1; death <= DEATHS; death += 1) {
        await eventually(async () => {
          expect((await gateway.admin('/fault/throw?worker=0', 'POST')).status).toBe(202);
        });
        await eventually(() => {
          expect(gateway.log.filter(({ msg }) => msg === 'worker died')).toHaveLength(death);
        });
      }
      gateway.child.kill('SIGTERM');
      expect(await gateway.end(5_000)).toEqual({ code: 0, signal: null });
      await client.outcome();
      client.destroy();
      expect(gateway.accessLog.records().map(({ closeReason }) => closeReason)).toEqual(['drain-timeout']);
    },
    [backend],
  );
});
