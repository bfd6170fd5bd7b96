/** Origin allow-lists of routes: handshakes that are not taken end with 403 before any backend hears of them. */
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { type Field, upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway } from '../support/scenario.js';

const running = sharedGateway(
  async () => ({ backend: await EchoBackend.start() }),
  ({ backend }) => ({
    config: {
      services: { echo: [backend] },
      routes: [
        {
          name: 'listed',
          annotations: { 'sluice.dev/allowed-origins': 'same, https://app.example.com, https://*.trusted.test:8443' },
          rules: [{ prefix: '/listed', backends: ['echo'] }],
        },
        {
          name: 'absent',
          annotations: { 'sluice.dev/allowed-origins': 'same', 'sluice.dev/absent-origin': 'allow' },
          rules: [{ prefix: '/absent', backends: ['echo'] }],
        },
        {
          name: 'any',
          annotations: { 'sluice.dev/allowed-origins': '*' },
          rules: [{ prefix: '/any', backends: ['echo'] }],
        },
        { name: 'open', rules: [{ prefix: '/open', backends: ['echo'] }] },
      ],
    },
  }),
);

interface Case {
  readonly path: string;
  readonly origins: readonly string[];
  readonly host?: string;
  /** '' is taken. */
  readonly refusal: '' | 'origin-not-allowed' | 'origin-missing';
}
const cases: Case[] = [
  { path: '/listed', origins: ['https://app.example.com'], refusal: '' },
  { path: '/listed', origins: ['https://app.example.com:443'], refusal: '' },
  { path: '/listed', origins: ['http://test.local'], refusal: '' },
  { path: '/listed', origins: ['https://test.local:8443'], host: 'test.local:8443', refusal: '' },
  { path: '/listed', origins: ['https://a.b.trusted.test:8443'], refusal: '' },
  { path: '/listed', origins: ['http://app.example.com'], refusal: 'origin-not-allowed' },
  { path: '/listed', origins: ['https://a.trusted.test'], refusal: 'origin-not-allowed' },
  { path: '/listed', origins: ['https://trusted.test:8443'], refusal: 'origin-not-allowed' },
  { path: '/listed', origins: ['https://test.local.evil.test'], refusal: 'origin-not-allowed' },
  { path: '/listed', origins: ['null'], refusal: 'origin-not-allowed' },
  { path: '/listed', origins: [''], refusal: 'origin-not-allowed' },
  {
    path: '/listed',
    origins: ['https://app.example.com', 'https://app.example.com'],
    refusal: 'origin-not-allowed',
  },
  { path: '/listed', origins: [], refusal: 'origin-missing' },
  { path: '/absent', origins: [], refusal: '' },
  { path: '/absent', origins: ['https://evil.test'], refusal: 'origin-not-allowed' },
  { path: '/any', origins: ['null'], refusal: '' },
  { path: '/any', origins: [], refusal: 'origin-missing' },
  { path: '/open', origins: ['https://evil.test'], refusal: '' },
  { path: '/open', origins: [], refusal: '' },
];

test.each(cases.map((each, index) => ({ ...each, index })))(
  '$path of origins $origins: $refusal',
  async ({ path, origins, host, refusal, index }) => {
    const { gateway, backends } = running();
    const before = backends.backend.accepted;
    const target = `${path}?n=${index}&end`;
    const add = origins.map((origin): Field => ['Origin', origin]);
    const { client, answer } = await RawClient.request(
      gateway,
      upgradeHead({ target, add, ...(host === undefined ? {} : { host }) }),
    );
    client.destroy();
    expect(answer.status, answer.raw).toBe(refusal === '' ? 101 : 403);
    expect(backends.backend.accepted - before).toBe(refusal === '' ? 1 : 0);
    if (refusal === '') return;
    const route = `test/${path.slice(1)}`;
    const why = refusal === 'origin-missing' ? 'takes no handshake without Origin' : 'does not take the origin';
    expect(await gateway.accessLog.recordOf(`n=${index}&end`)).toMatchObject({
      refusal,
      refusalReason: expect.stringContaining(`rule 0 of ${route} ${why}`),
      httpStatusCode: 403,
      route,
      closeReason: 'refused',
    });
  },
);
