import { expect, test } from 'vitest';
import { brief, compile, documents, gateway, marked, route } from '../testing/manifests.js';

function matches(text: string) {
  const { snapshot, issues } = compile(documents(route({ rules: [text] }), gateway()));
  return { found: snapshot.listeners[0]?.hosts[0]?.matches ?? [], issues };
}

test('nothing beside the path is empty, not absent', () => {
  const { found } = matches('matches: [{ path: { value: /a/ } }]');
  expect(found).toEqual([{ pathType: 'PathPrefix', path: '/a', method: '', headers: [], queryParams: [], rule: 0 }]);
});

test('a path is written as those of requests arrive: what need not be encoded is not', () => {
  const { found } = matches(
    "matches: [{ path: { value: /%7Eme/%61%2Eb/ } }, { path: { type: Exact, value: '/caf%C3%A9%20%3b' } }, " +
      "{ path: { type: RegularExpression, value: '/%61' } }]",
  );
  expect(found.map(({ path }) => path).sort()).toEqual(['/%61', '/caf%C3%A9%20%3b', '/~me/a.b']);
});

test('header names in lower case, names of parameters as they are, values untouched', () => {
  const { found } = matches(
    'matches: [{ method: GET, headers: [{ name: X-Env, value: A }], queryParams: [{ name: Room, value: B }] }]',
  );
  expect(found).toMatchObject([
    { method: 'GET', headers: [{ name: 'x-env', value: 'A' }], queryParams: [{ name: 'Room', value: 'B' }] },
  ]);
});

test('of equal names the first counts; each other one is a warning with its place', () => {
  const rule =
    'matches: [{ headers: [{ name: X-A, value: a }, { name: b, value: b }, §{ name: x-a, value: c }], ' +
    'queryParams: [{ name: p, value: a }, { name: P, value: b }, { name: p, value: c }] }]';
  const { text, line, column } = marked(documents(route({ rules: [rule] }), gateway()));
  const { snapshot, issues } = compile(text);
  expect(snapshot.listeners[0]?.hosts[0]?.matches).toMatchObject([
    {
      headers: [
        { name: 'x-a', value: 'a' },
        { name: 'b', value: 'b' },
      ],
      queryParams: [
        { name: 'p', value: 'a' },
        { name: 'P', value: 'b' },
      ],
    },
  ]);
  const at = 'spec.rules[0].matches[0]';
  expect(brief(issues)).toEqual(
    expect.arrayContaining([
      `${at}.headers[2]: is ignored: an earlier entry has the name "x-a"`,
      `${at}.queryParams[2]: is ignored: an earlier entry has the name "p"`,
    ]),
  );
  const [first] = issues.filter(({ message }) => message.startsWith('is ignored'));
  expect(first).toMatchObject({ severity: 'warning', line, column });
});

test('a warning is said once, however many listeners and hostnames serve the route', () => {
  const rules = ['matches: [{ method: POST }], backendRefs: []'];
  const { issues } = compile(
    documents(
      gateway({ listeners: ['name: a, port: 80, protocol: HTTP', 'name: b, port: 81, protocol: HTTP'] }),
      route({ hostnames: ['a.com', 'b.com'], rules }),
    ),
  );
  expect(brief(issues).filter((text) => text.includes('method'))).toEqual([
    'spec.rules[0].matches[0].method: no request of this method is served',
  ]);
});

test('regular expressions are told from texts', () => {
  const { found } = matches(
    'matches: [{ path: { type: RegularExpression, value: "/a/.*" }, headers: [{ type: RegularExpression, name: A, ' +
      'value: "b+" }, { name: C, value: "d+" }], queryParams: [{ type: RegularExpression, name: e, value: "f|g" }] }]',
  );
  expect(found).toMatchObject([
    {
      pathType: 'RegularExpression',
      path: '/a/.*',
      headers: [
        { name: 'a', value: 'b+', regex: true },
        { name: 'c', value: 'd+', regex: false },
      ],
      queryParams: [{ name: 'e', value: 'f|g', regex: true }],
    },
  ]);
});
