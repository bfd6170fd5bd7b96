/** Whatever fields a client sends over HTTP/2, the head that is judged says the same, or nothing of it goes on. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HEAD_LIMITS, parseRequestHead } from '../policy/head.js';
import { isRefusal } from '../policy/refusal.js';
import { readHttp2Head } from './http2-head.js';

const hosts = fc.constantFrom('a.test', 'A.test:80', 'b.test', '', 'a.test\r\nHost: b.test', '[::1]:80', 'a test');
const paths = fc.constantFrom('/', '/a?b', '*', '', '/a b', 'http://b.test/', '/\r\nx: y', '/é');
const names = fc.constantFrom(
  'x-a',
  'cookie',
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  '',
  'a b',
  'x:',
);
const values = fc.constantFrom('1', 'a=1', 'a.test', 'b.test', 'chunked', ' ', 'a\nb', 'a\0', 'é', 'x\r\ny: z');
const pseudo = fc.record({
  method: fc.constantFrom('GET', 'POST', 'CONNECT', '', 'G T', 'GET / HTTP/1.1\r\n'),
  scheme: fc.constantFrom('http', 'https', 'ftp', ''),
  authority: fc.option(hosts, { nil: undefined }),
  path: paths,
});

it('takes nothing that was not said, and says nothing twice', () => {
  fc.assert(
    fc.property(pseudo, fc.array(fc.tuple(names, values), { maxLength: 6 }), fc.boolean(), (of, fields, whole) => {
      const { method, scheme, authority, path } = of;
      const named = authority === undefined ? [] : [':authority', authority];
      const raw = [':method', method, ':scheme', scheme, ':path', path, ...named, ...fields.flat()];
      const read = readHttp2Head(raw, whole);
      const head = read === undefined ? undefined : parseRequestHead(read.text, HEAD_LIMITS);
      if (head === undefined || isRefusal(head)) return;
      expect([head.method, head.target]).toEqual([method, path]);
      const host = fields.find(([name]) => name === 'host')?.[1];
      expect(head.authority).toBe(authority ?? host);
      const said = new Set([...fields.map(([name]) => name), 'host', ...(whole ? [] : ['transfer-encoding'])]);
      for (const { lowerName } of head.fields) expect(said).toContain(lowerName);
      expect(head.fields.filter(({ lowerName }) => lowerName === 'cookie').length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 3000 },
  );
});
