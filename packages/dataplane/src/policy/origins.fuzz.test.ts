/** Who is allowed is held against what the URL standard makes of an origin, for texts made of awkward parts. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HEAD_LIMITS, parseRequestHead } from './head.js';
import { isAllowed, originOf } from './origins.js';
import { isRefusal } from './refusal.js';

const part = fc.constantFrom(
  ...[
    'a.com',
    'a.com',
    'b.',
    '.',
    'evil',
    'A.COM',
    '*',
    ':',
    ':443',
    ':8443',
    ':0443',
    '@',
    '/',
    '\\',
    '#',
    '?',
    ' ',
    ',',
    '%2e',
  ],
  ...[
    'null',
    '://',
    'http://',
    'https://',
    'constructor://',
    '__proto__',
    '\xe4',
    'xn--4ca.',
    '[::1]',
    '[',
    ']',
    'a.com.',
    '1.2.3.4',
  ],
);
const origin = fc
  .tuple(fc.constantFrom('https://', 'https://', 'http://', 'HTTPS://', ''), fc.array(part, { maxLength: 5 }))
  .map(([scheme, parts]) => scheme + parts.join(''));
const rules = [
  'https://a.com',
  'https://a.com:8443',
  'https://*.a.com',
  'https://*.a.com:8443',
  'http://[::1]',
  'same',
];

/** Whether a rule takes what a browser would have gone to: scheme, host and port, each on its own. */
function takes(rule: string, { protocol, hostname, port }: URL): boolean {
  const host = hostname.replace(/\.$/, '');
  if (rule === 'same') return /^https?:$/.test(protocol) && host === 'a.com' && port === '';
  const [, scheme = '', name = '', wanted = ''] = /^(\w+):\/\/(.*?)(?::(\d+))?$/.exec(rule) ?? [];
  if (protocol !== `${scheme}:` || port !== (name === '[::1' ? '' : wanted)) return false;
  if (rule === 'http://[::1]') return host === '[::1]';
  return name.startsWith('*.') ? host.endsWith(name.slice(1)) && host.length > name.length - 1 : host === name;
}

it('what is allowed is, to the letter, what a rule names', () => {
  const seen = { allowed: 0, refused: 0 };
  const property = fc.property(origin, fc.constantFrom(...rules), (text, rule) => {
    const head = parseRequestHead(`GET / HTTP/1.1\r\nHost: a.com\r\nOrigin: ${text}\r\n\r\n`, HEAD_LIMITS);
    if (isRefusal(head)) return;
    const found = originOf(head.fields);
    if (found === undefined || !isAllowed([rule], found, head, false)) {
      seen.refused++;
      return;
    }
    seen.allowed++;
    const url = new URL(found.value);
    expect([url.username, url.pathname, url.search, url.hash], text).toEqual(['', '/', '', '']);
    expect(takes(rule, url), `${text} by ${rule}`).toBe(true);
  });
  fc.assert(property, { seed: 11, numRuns: 20_000 });
  expect(seen.allowed).toBeGreaterThan(100);
  expect(seen.refused).toBeGreaterThan(1000);
});
