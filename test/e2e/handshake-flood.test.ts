/** More handshakes than --handshakes-max towards a backend that never answers: refused, counted out, and served later. */
import { expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

const MAX = 20;
const CLIENTS = 50;

test('beyond --handshakes-max the answer is 503 overloaded', async () => {
  const backend = await EchoBackend.start({ record: false });
  await withGateway(
    { config: { services: { echo: [backend] } }, flags: { workers: '1', 'handshakes-max': String(MAX) } },
    async (gateway) => {
      const spliced = await RawClient.upgrade(gateway);
      const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawClient.connect(gateway)));
      await Promise.all(clients.map((client) => client.write(upgradeHead({ target: '/?fault=silent' }))));
      await eventually(() => expect(clients.filter(({ ended }) => ended)).toHaveLength(CLIENTS - MAX));
      await eventually(() => expect(backend.requests).toBe(MAX + 1));
      for (const client of clients.filter(({ ended }) => ended)) {
        const answer = await readAnswer(client);
        expect(answer.head.status).toBe(503);
        expect(answer.head.one('retry-after')).toMatch(/^[1-5]$/);
        expect(answer.head.raw + answer.body.toString()).toContain('(overloaded)');
      }
      await spliced.write('echo');
      expect((await spliced.read(4)).toString()).toBe('echo');
      for (const client of [spliced, ...clients]) client.destroy();
      await eventually(() => expect(backend.open).toBe(0));
      const late = await eventually(() => RawClient.upgrade(gateway));
      late.destroy();
      await eventually(() => expect(gateway.accessLog.records()).toHaveLength(CLIENTS + 2));
      const refused = gateway.accessLog.records().filter(({ refusal }) => refusal === 'overloaded');
      expect(refused).toHaveLength(CLIENTS - MAX);
    },
    [backend],
  );
});
