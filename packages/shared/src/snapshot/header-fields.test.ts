import { expect, test } from 'vitest';
import { compile, gateway, route, service } from '../testing/manifests.js';

/** Paths of the warnings of a rule with these filters, and with these at its backendRef. */
function warned(filters: string, ofBackend = ''): string[] {
  const rule = `filters: [${filters}], backendRefs: [{ name: chat, port: 80, filters: [${ofBackend}] }]`;
  const { issues } = compile(gateway(), service(), route({ rules: [rule] }));
  const stays = issues.filter(({ message }) => message.endsWith('states itself: it is not changed'));
  expect(stays.every(({ severity }) => severity === 'warning')).toBe(true);
  return stays.map(({ path }) => path.replace('spec.rules[0].', ''));
}

const request = (changes: string) => `{ type: RequestHeaderModifier, requestHeaderModifier: { ${changes} } }`;
const response = (changes: string) => `{ type: ResponseHeaderModifier, responseHeaderModifier: { ${changes} } }`;

test('what can be changed is not spoken of: Host can be set', () => {
  const field = (name: string) => `{ name: ${name}, value: a }`;
  expect(warned(request(`set: [${field('Host')}], add: [${field('X-A')}], remove: [Date]`))).toEqual([]);
  expect(warned(response(`set: [${field('Server')}], remove: [Host, Access-Control-Max-Age]`))).toEqual([]);
});

test('a field that the gateway states itself is a warning at its place, of a backendRef too', () => {
  const all =
    'set: [{ name: Connection, value: a }], add: [{ name: hOST, value: a }], remove: [X-A, Sec-WebSocket-Key]';
  const paths = ['set[0].name', 'add[0].name', 'remove[1]'].map((path) => `filters[0].requestHeaderModifier.${path}`);
  expect(warned(request(all))).toEqual(paths);
  expect(warned('', request(all))).toEqual(paths.map((path) => `backendRefs[0].${path}`));
  expect(warned(response('remove: [Sec-WebSocket-Accept, date]'))).toEqual([
    'filters[0].responseHeaderModifier.remove[0]',
    'filters[0].responseHeaderModifier.remove[1]',
  ]);
});

test('beside a CORS filter its fields are its own', () => {
  const cors = '{ type: CORS, cors: { allowOrigins: ["*"] } }';
  expect(warned(`${cors}, ${response('remove: [Access-Control-Max-Age]')}`)).toEqual([
    'filters[1].responseHeaderModifier.remove[0]',
  ]);
});
