/** The CORS filter over a socket: preflights, answers, and cross-origin handshakes that are refused before the upgrade. */
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { type Field, head, upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway } from '../support/scenario.js';

const cors = {
  allowOrigins: ['https://app.example.com', 'https://*.trusted.test'],
  allowCredentials: true,
  allowMethods: ['GET', 'POST'],
  allowHeaders: ['X-Token'],
  exposeHeaders: ['X-Backend'],
  maxAge: 600,
};
const running = sharedGateway(
  async () => ({
    backend: await EchoBackend.start({ fields: [['Access-Control-Allow-Origin', '*']] }),
  }),
  ({ backend }) => ({
    config: {
      services: { echo: [backend] },
      routes: [{ rules: [{ prefix: '/echo', filters: [{ type: 'CORS', cors }], backends: ['echo'] }] }],
    },
  }),
);
const accessControl = (fields: readonly Field[]): string[] =>
  fields
    .filter(([name]) => name.toLowerCase().startsWith('access-control-'))
    .map(([name, value]) => `${name}: ${value}`);

test.each([
  ['https://app.example.com', 101],
  ['https://a.b.trusted.test', 101],
  ['http://test.local', 101],
  [undefined, 101],
  ['https://evil.test', 403],
  ['https://app.example.com.evil.test', 403],
  ['null', 403],
])('a handshake of %s gets %i', async (origin, status) => {
  const { gateway, backends } = running();
  const before = backends.backend.accepted;
  const target = `/echo?of=${encodeURIComponent(origin ?? 'none')}`;
  const add: Field[] = origin === undefined ? [] : [['Origin', origin]];
  const { client, answer } = await RawClient.request(gateway, upgradeHead({ target, add }));
  client.destroy();
  expect(answer.status).toBe(status);
  expect(backends.backend.accepted).toBe(status === 101 ? before + 1 : before);
  if (status === 101) return;
  expect(accessControl(answer.fields)).toEqual([]);
  const record = await gateway.accessLog.recordOf(target);
  expect(record).toMatchObject({
    refusal: 'origin-not-allowed',
    refusalReason: expect.stringContaining('rule 0 of test/route-0'),
    httpStatusCode: 403,
    route: 'test/route-0',
  });
});

test.each(['/echo', '/echo?fault=answer&status=401'])(
  'an answer to %s says of CORS what the filter says',
  async (target) => {
    const { gateway } = running();
    const add: Field[] = [['Origin', 'https://app.example.com']];
    const { client, answer } = await RawClient.request(gateway, upgradeHead({ target, add }));
    client.destroy();
    expect(accessControl(answer.fields)).toEqual([
      'Access-Control-Allow-Origin: https://app.example.com',
      'Access-Control-Allow-Credentials: true',
      'Access-Control-Expose-Headers: X-Backend',
    ]);
    expect(answer.all('vary')).toEqual(['Origin']);
  },
);

test.each([
  [
    'https://app.example.com',
    [
      'Access-Control-Allow-Origin: https://app.example.com',
      'Access-Control-Allow-Credentials: true',
      'Access-Control-Allow-Methods: GET, POST',
      'Access-Control-Allow-Headers: X-Token',
      'Access-Control-Max-Age: 600',
    ],
  ],
  ['https://evil.test', []],
])('a preflight of %s is answered by the gateway', async (origin, expected) => {
  const { gateway, backends } = running();
  const before = backends.backend.accepted;
  const fields: Field[] = [
    ['Host', 'test.local'],
    ['Origin', origin],
    ['Access-Control-Request-Method', 'POST'],
    ['Access-Control-Request-Headers', 'x-token'],
  ];
  const { client, answer } = await RawClient.request(gateway, head('OPTIONS /echo HTTP/1.1', fields));
  expect(answer.status).toBe(204);
  expect(accessControl(answer.fields)).toEqual(expected);
  expect((await client.readToEnd()).length).toBe(0);
  client.destroy();
  expect(backends.backend.accepted).toBe(before);
});

test('an OPTIONS that is no preflight is a plain request like any other', async () => {
  const { gateway } = running();
  const { client, answer } = await RawClient.request(
    gateway,
    head('OPTIONS /echo?fault=answer&status=200 HTTP/1.1', [['Host', 'test.local']]),
  );
  client.destroy();
  expect(answer.status).toBe(200);
});
