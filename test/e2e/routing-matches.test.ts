/** Matches beside the path, over a socket: headers, query parameters and the method choose the backend. */
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { type Field, upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway } from '../support/scenario.js';

const NAMES = ['plain', 'canary', 'both', 'room', 'get'] as const;
type Name = (typeof NAMES)[number];

async function backends(): Promise<Record<Name, EchoBackend>> {
  const started = await Promise.all(NAMES.map(async (name) => [name, await EchoBackend.start()] as const));
  return Object.fromEntries(started) as Record<Name, EchoBackend>;
}

const canary = { name: 'X-Env', value: 'canary' };
const running = sharedGateway(backends, (services) => ({
  config: {
    services: Object.fromEntries(Object.entries(services).map(([name, backend]) => [name, [backend]])),
    routes: [
      { rules: [{ prefix: '/chat', backends: ['plain'] }] },
      {
        rules: [
          { matches: [{ path: { value: '/chat' }, headers: [canary] }], backends: ['canary'] },
          {
            matches: [{ path: { value: '/chat' }, headers: [canary, { name: 'x-user', value: 'a b' }] }],
            backends: ['both'],
          },
          {
            matches: [{ path: { value: '/chat' }, queryParams: [{ name: 'room', value: 'tea & cake' }] }],
            backends: ['room'],
          },
          {
            matches: [
              { path: { value: '/only' }, method: 'GET' },
              { path: { value: '/never' }, method: 'POST' },
            ],
            backends: ['get'],
          },
        ],
      },
    ],
  },
}));

interface Case {
  readonly path: string;
  readonly fields?: readonly Field[];
  readonly method?: string;
  readonly to: Name | number;
}
const env: Field = ['x-ENV', 'canary'];
const cases: Case[] = [
  { path: '/chat', to: 'plain' },
  { path: '/chat', fields: [env], to: 'canary' },
  { path: '/chat', fields: [env, ['X-Env', 'other']], to: 'plain' },
  { path: '/chat/deep', fields: [['X-User', 'a b'], env], to: 'both' },
  { path: '/chat?room=tea%20%26%20cake', to: 'room' },
  { path: '/chat?room=tea%20%26%20cake', fields: [env], to: 'canary' },
  { path: '/chat?room=other&room=tea%20%26%20cake', to: 'plain' },
  { path: '/chat?room=%', to: 'plain' },
  { path: '/only', to: 'get' },
  { path: '/never', to: 404 },
  { path: '/never', method: 'POST', to: 405 },
];

test.each(cases)('$method $path with $fields goes to $to', async ({ path, fields = [], method = 'GET', to }) => {
  const { gateway, backends: all } = running();
  const before = new Map(NAMES.map((name) => [name, all[name].requests]));
  const { client, answer } = await RawClient.request(gateway, upgradeHead({ target: path, method, add: fields }));
  client.destroy();
  expect(answer.status).toBe(typeof to === 'number' ? to : 101);
  const reached = NAMES.filter((name) => all[name].requests > (before.get(name) ?? 0));
  expect(reached).toEqual(typeof to === 'number' ? [] : [to]);
});
