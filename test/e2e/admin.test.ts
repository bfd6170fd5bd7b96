/** The admin port: liveness, readiness, and fault injection only where it has been asked for. */
import { expect, test } from 'vitest';
import { refusingAddress } from '../support/echo-backend.js';
import { withGateway } from '../support/scenario.js';

const config = async () => ({ services: { echo: [await refusingAddress()] } });

test('livez and readyz', async () => {
  await withGateway({ config: await config() }, async (gateway) => {
    expect((await gateway.admin('/livez')).status).toBe(200);
    expect((await gateway.admin('/readyz')).status).toBe(200);
    expect((await gateway.admin('/other')).status).toBe(404);
    expect((await gateway.admin('/livez', 'POST')).status).toBe(405);
  });
});

test.each(['throw', 'exit', 'oom', 'hang'])('no fault %s without SLUICE_FAULTS', async (fault) => {
  await withGateway({ config: await config() }, async (gateway) => {
    expect((await gateway.admin(`/fault/${fault}?worker=0`, 'POST')).status).toBe(404);
    expect((await gateway.admin('/readyz')).status).toBe(200);
  });
});

test('faults that do not exist, for workers that do not exist', async () => {
  await withGateway({ config: await config(), faults: true }, async (gateway) => {
    expect((await gateway.admin('/fault/explode?worker=0', 'POST')).status).toBe(404);
    expect((await gateway.admin('/fault/throw?worker=99', 'POST')).status).toBeGreaterThanOrEqual(400);
    expect((await gateway.admin('/fault/throw?worker=0')).status).toBe(405);
  });
});

test('the admin port can be off', async () => {
  await withGateway({ config: await config(), flags: { admin: 'off' } }, async (gateway) => {
    expect(gateway.ready.admin).toBeNull();
  });
});
