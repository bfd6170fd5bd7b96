import { expect, test } from 'vitest';
import { marked, parse, route } from '../testing/manifests.js';

const PREFIX = 'matches: [{ path: { type: PathPrefix, value: /chat } }]';

/** A route whose only rule has these filters, flow mappings without braces. */
function withFilters(...filters: string[]): string {
  return route({ rules: [`${PREFIX}, filters: [${filters.map((filter) => `{ ${filter} }`).join(', ')}]`] });
}

function filtersOf(text: string) {
  const { resources, issues } = parse(text);
  expect(issues).toEqual([]);
  return resources.httpRoutes[0]?.spec.rules[0]?.filters;
}

test.each([
  [
    'type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: A, value: b }] }',
    { requestHeaderModifier: { set: [{ name: 'A', value: 'b' }], add: [], remove: [] } },
  ],
  [
    'type: ResponseHeaderModifier, responseHeaderModifier: { add: [{ name: a, value: "b, c" }], remove: [X-Y] }',
    { responseHeaderModifier: { set: [], add: [{ name: 'a', value: 'b, c' }], remove: ['X-Y'] } },
  ],
  ['type: RequestRedirect, requestRedirect: {}', { requestRedirect: { statusCode: 302 } }],
  [
    'type: RequestRedirect, requestRedirect: { scheme: https, hostname: a.b, port: 8443, statusCode: 308 }',
    { requestRedirect: { scheme: 'https', hostname: 'a.b', port: 8443, statusCode: 308 } },
  ],
  [
    'type: URLRewrite, urlRewrite: { hostname: a.b, path: { type: ReplaceFullPath, replaceFullPath: /x } }',
    { urlRewrite: { hostname: 'a.b', path: { type: 'ReplaceFullPath', replaceFullPath: '/x' } } },
  ],
  [
    'type: URLRewrite, urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: "" } }',
    { urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '' } } },
  ],
  [
    'type: CORS, cors: { allowOrigins: [https://a.b], allowMethods: ["*"], allowCredentials: true }',
    {
      cors: {
        allowOrigins: ['https://a.b'],
        allowMethods: ['*'],
        allowCredentials: true,
        allowHeaders: [],
        exposeHeaders: [],
        maxAge: 5,
      },
    },
  ],
  [
    'type: RequestMirror, requestMirror: { backendRef: { name: a, port: 80 }, fraction: { numerator: 1 } }',
    {
      requestMirror: {
        backendRef: { group: '', kind: 'Service', name: 'a', port: 80 },
        fraction: { numerator: 1, denominator: 100 },
      },
    },
  ],
  [
    'type: ExtensionRef, extensionRef: { group: example.com, kind: Mine, name: a }',
    { extensionRef: { group: 'example.com', kind: 'Mine', name: 'a' } },
  ],
  ['type: ExternalAuth, externalAuth: { protocol: HTTP, http: {} }', { externalAuth: { protocol: 'HTTP', http: {} } }],
])('{ %s }', (filter, expected) => expect(filtersOf(withFilters(filter))).toMatchObject([expected]));

const MODIFIER = 'type: RequestHeaderModifier, requestHeaderModifier';
const REWRITE = 'type: URLRewrite, urlRewrite';
const REDIRECT = 'type: RequestRedirect, requestRedirect';

test.each([
  ['type: §Rewrite', 'type', '"Rewrite" is not a value of this field'],
  ['type: §[a]', 'type', 'must be a string, not a sequence'],
  ['type: CORS, cors: {}, §ratelimit: {}', 'ratelimit', 'unknown field'],
  [
    `${MODIFIER}: { set: [{ name: §a b, value: c }] }`,
    'requestHeaderModifier.set[0].name',
    '"a b" is not the name of a header',
  ],
  ...['a b', 'a..b', 'a/b', 'a:0', 'a:99999', '[::g]', 'me@a'].map((host): [string, string, string] => [
    `${MODIFIER}: { set: [{ name: hOST, value: §"${host}" }] }`,
    'requestHeaderModifier.set[0].value',
    `${JSON.stringify(host)} is not a host`,
  ]),
  [`${MODIFIER}: { set: [{ name: a, value: §"" }] }`, 'requestHeaderModifier.set[0].value', '"" is empty'],
  [
    `${MODIFIER}: { set: [{ name: a, value: §"b\\r\\nc: d" }] }`,
    'requestHeaderModifier.set[0].value',
    '"b\\r\\nc: d" is not a header value',
  ],
  [
    `${MODIFIER}: { add: [{ name: a, value: §" b" }] }`,
    'requestHeaderModifier.add[0].value',
    '" b" is not a header value',
  ],
  [`${MODIFIER}: { remove: [§"a:"] }`, 'requestHeaderModifier.remove[0]', '"a:" is not the name of a header'],
  [
    `${MODIFIER}: { set: [{ name: X-A, value: b }], remove: [§x-a] }`,
    'requestHeaderModifier.remove[0]',
    '"x-a" already has an action in this filter',
  ],
  [
    `${MODIFIER}: { add: [{ name: a, value: b }, { name: §A, value: c }] }`,
    'requestHeaderModifier.add[1].name',
    '"A" already has an action in this filter',
  ],
  [
    `${MODIFIER}: { remove: §[${Array.from({ length: 17 }, (_, index) => `h${index}`).join(', ')}] }`,
    'requestHeaderModifier.remove',
    'must have at most 16 entries',
  ],
  [`${REDIRECT}: { scheme: §ws }`, 'requestRedirect.scheme', '"ws" is not a value of this field'],
  [`${REDIRECT}: { hostname: §"*.a.b" }`, 'requestRedirect.hostname', '"*.a.b" is a wildcard'],
  [`${REDIRECT}: { statusCode: §304 }`, 'requestRedirect.statusCode', '304 is not the status of a redirect'],
  [`${REDIRECT}: { statusCode: §"301" }`, 'requestRedirect.statusCode', 'must be a number, not the string "301"'],
  [`${REWRITE}: { path: { type: §Replace } }`, 'urlRewrite.path.type', '"Replace" is not a value of this field'],
  [
    `${REWRITE}: { path: §{ type: ReplaceFullPath } }`,
    'urlRewrite.path.replaceFullPath',
    'is required with type: ReplaceFullPath',
  ],
  [
    `${REWRITE}: { path: { type: ReplaceFullPath, replaceFullPath: /, replacePrefixMatch: §/a } }`,
    'urlRewrite.path.replacePrefixMatch',
    'must not be there with type: ReplaceFullPath',
  ],
  [
    `${REWRITE}: { path: { type: ReplaceFullPath, replaceFullPath: §x } }`,
    'urlRewrite.path.replaceFullPath',
    '"x" is not an absolute path',
  ],
  [
    `${REWRITE}: { path: { type: ReplacePrefixMatch, replacePrefixMatch: §"/a?b" } }`,
    'urlRewrite.path.replacePrefixMatch',
    '"/a?b" contains a character that no path has',
  ],
  ['type: CORS, cors: { allowOrigins: ["*", §https://a.b] }', 'cors.allowOrigins[1]', undefined],
  ['type: CORS, cors: { allowOrigins: [§a.b] }', 'cors.allowOrigins[0]', '"a.b" is not an origin'],
  [
    'type: CORS, cors: { allowOrigins: [https://a.b, §HTTPS://A.B] }',
    'cors.allowOrigins[1]',
    '"HTTPS://A.B" is there twice',
  ],
  ['type: CORS, cors: { allowMethods: [§get] }', 'cors.allowMethods[0]', '"get" is not a value of this field'],
  ['type: CORS, cors: { maxAge: §0 }', 'cors.maxAge', '0 is out of range'],
  ['type: RequestMirror, requestMirror: §{}', 'requestMirror.backendRef', 'is required'],
  [
    'type: RequestMirror, requestMirror: { backendRef: { name: a }, percent: §101 }',
    'requestMirror.percent',
    '101 is out of range',
  ],
  [
    'type: RequestMirror, requestMirror: { backendRef: { name: a }, fraction: { numerator: §3, denominator: 2 } }',
    'requestMirror.fraction.numerator',
    '3 is greater than the denominator',
  ],
  [
    'type: RequestMirror, requestMirror: { backendRef: { name: a }, percent: 1, fraction: §{ numerator: 1 } }',
    'requestMirror.fraction',
    'must not stand beside percent',
  ],
])('filter { %s } is refused', (filter, path, message) => {
  const { text, line, column } = marked(withFilters(filter));
  const [issue, ...rest] = parse(text).issues;
  if (message === undefined) {
    expect(issue?.message).toBe('must stand alone');
    return;
  }
  expect(rest).toEqual([]);
  expect(issue).toMatchObject({ line, column, path: `spec.rules[0].filters[0].${path}`, message });
});

test('the block is the one that type names', () => {
  expect(parse(withFilters('type: CORS, urlRewrite: {}')).issues).toMatchObject([
    { path: 'spec.rules[0].filters[0].cors', message: 'is required with type: CORS' },
    {
      path: 'spec.rules[0].filters[0].urlRewrite',
      message: 'must not be there with type: CORS',
      hint: 'write a filter of its own with type: URLRewrite',
    },
  ]);
});

test.each([
  [[`${REWRITE}: {}`, `${REWRITE}: {}`], ['URLRewrite is already the type of an earlier filter']],
  [[`${REWRITE}: {}`, `${REDIRECT}: {}`], ['RequestRedirect must not stand beside URLRewrite']],
  [[`${REDIRECT}: {}`, `${REWRITE}: {}`], ['URLRewrite must not stand beside RequestRedirect']],
  [['type: CORS, cors: {}', 'type: CORS, cors: {}'], ['CORS is already the type of an earlier filter']],
  [
    [
      'type: RequestMirror, requestMirror: { backendRef: { name: a, port: 1 } }',
      'type: RequestMirror, requestMirror: { backendRef: { name: b, port: 1 } }',
    ],
    [],
  ],
])('combination %#', (filters, messages) => {
  const { issues } = parse(withFilters(...filters));
  expect(issues.map(({ message }) => message)).toEqual(messages);
  for (const { path } of issues) expect(path).toBe('spec.rules[0].filters[1].type');
});

const REPLACE = 'path: { type: ReplacePrefixMatch, replacePrefixMatch: / }';

test.each([
  ['', ''],
  ['matches: [{ path: { value: /a } }]', ''],
  ['matches: [{ headers: [{ name: a, value: b }] }]', ''],
  ['matches: [{ path: { type: Exact, value: /a } }]', 'refused'],
  ['matches: [{ path: { type: RegularExpression, value: /a } }]', 'refused'],
  ['matches: [{ path: { value: /a } }, { path: { value: /b } }]', 'refused'],
])('ReplacePrefixMatch with { %s }: exactly one PathPrefix match %s', (matches, refused) => {
  const filter = (block: string, type: string) => `filters: [{ type: ${type}, ${block}: { ${REPLACE} } }]`;
  const rules = [
    `${filter('urlRewrite', 'URLRewrite')}, ${matches}`,
    `${filter('requestRedirect', 'RequestRedirect')}, ${matches}`,
    `backendRefs: [{ name: a, port: 80, ${filter('urlRewrite', 'URLRewrite')} }], ${matches}`,
  ];
  expect(parse(route({ rules })).issues.map(({ path }) => path)).toEqual(
    refused === ''
      ? []
      : [
          'spec.rules[0].filters[0].urlRewrite.path.type',
          'spec.rules[1].filters[0].requestRedirect.path.type',
          'spec.rules[2].backendRefs[0].filters[0].urlRewrite.path.type',
        ],
  );
});

test('a redirect has no backendRefs beside it', () => {
  const filters = `filters: [{ ${REDIRECT}: {} }]`;
  expect(parse(route({ rules: [`${filters}, backendRefs: []`] })).issues).toEqual([]);
  const { text, line, column } = marked(route({ rules: [`${filters}, backendRefs: §[{ name: a, port: 80 }]`] }));
  const message = 'must not stand beside a RequestRedirect';
  expect(parse(text).issues).toMatchObject([{ line, column, path: 'spec.rules[0].backendRefs', message }]);
});
