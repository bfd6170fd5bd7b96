/** Heads that what a route adds makes larger than the engine takes: an answer and a record, not an exception. */
import type { FiltersSnapshot, HeaderChanges } from '@sluice/shared/snapshot/rule-policy';
import { expect, it } from 'vitest';
import { HEAD_BYTES_MAX } from '../engine/engine.js';
import { createScene, REQUEST, SWITCH } from './handshake-scene.js';

const NONE: FiltersSnapshot = {
  requestHeaders: null,
  responseHeaders: null,
  rewrite: null,
  redirect: null,
  cors: null,
};
/** As large as filters can be, at 16 fields of 4096 characters each. */
const LARGE: HeaderChanges = {
  set: Array.from({ length: 16 }, (_, each) => [`X-${each}`, 'v'.repeat(4096)] as const),
  add: [],
  remove: [],
};

function sceneOf(filters: Partial<FiltersSnapshot>): ReturnType<typeof createScene> {
  const scene = createScene();
  scene.reconfigure((config) => ({
    ...config,
    rules: config.rules.map((rule) => ({ ...rule, filters: { ...NONE, ...filters } })),
  }));
  return scene;
}

it('of a request', () => {
  const scene = sceneOf({ requestHeaders: LARGE });
  scene.request();
  expect(scene.calls.map(({ name }) => name)).toEqual(['respond']);
  expect(scene.last()?.text).toMatch(/^HTTP\/1\.1 431 .*\(header-too-large\)\n$/s);
  expect(JSON.parse(`{${scene.last()?.fields}}`)).toMatchObject({ refusal: 'header-too-large', route: 'default/r' });
});

it.each([
  ['the 101', SWITCH],
  ['any other answer', 'HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n'],
])('of %s', (_name, answer) => {
  const scene = sceneOf({ responseHeaders: LARGE });
  scene.request();
  scene.response(answer);
  expect(scene.last()?.text).toMatch(/^HTTP\/1\.1 502 .*\(upstream-head-too-large\)\n$/s);
  expect(JSON.parse(`{${scene.last()?.fields}}`)).toMatchObject({ refusal: 'upstream-head-too-large' });
  expect(scene.handshakes.size).toBe(0);
});

it('of a preflight that is answered with what it asks for', () => {
  const cors = {
    allowOrigins: ['*'],
    allowCredentials: true,
    allowMethods: ['*'],
    allowHeaders: ['*'],
    exposeHeaders: [],
    maxAgeS: 1,
  };
  const scene = sceneOf({ cors: { ...cors, allowMethods: Array.from({ length: 9000 }, () => 'OPTIONS') } });
  scene.request(
    REQUEST.replace('GET', 'OPTIONS').replace(
      '\r\n\r\n',
      '\r\nOrigin: https://a.test\r\nAccess-Control-Request-Method: PUT\r\n\r\n',
    ),
  );
  expect(scene.last()?.text.length).toBeLessThan(HEAD_BYTES_MAX);
  expect(scene.last()?.text).toMatch(/^HTTP\/1\.1 431 .*\(header-too-large\)\n$/s);
});
