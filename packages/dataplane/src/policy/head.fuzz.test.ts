/**
 * Properties of the head parsers over generated and mutated heads. They hold for every input, so a failure prints the
 * seed and the smallest input that shows it. Run time is bounded by the number of runs.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HEAD_LIMITS, type HeaderField, parseRequestHead, parseResponseHead, type RequestHead } from './head.js';
import { isRefusal } from './refusal.js';

const PARTS = [
  'GET',
  ' ',
  '/',
  'HTTP/1.1',
  '\r\n',
  '\r',
  '\n',
  '\0',
  ':',
  'Host',
  'a.example',
  '\t',
  'X',
  '\xff',
  '?',
  ',',
];
const WHOLE =
  'GET /chat?x=1 HTTP/1.1\r\nHost: a.example:80\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Y: z w\r\n\r\n';

const character = fc.integer({ min: 0, max: 0x1ff }).map((code) => String.fromCharCode(code));
const soup = fc.array(fc.oneof(fc.constantFrom(...PARTS), character), { maxLength: 60 }).map((parts) => parts.join(''));
/** A good head with up to three short replacements: what slips through a parser is nearly right. */
const mutated = fc
  .array(fc.tuple(fc.nat(WHOLE.length), fc.nat(3), fc.oneof(fc.constantFrom(...PARTS), character)), { maxLength: 3 })
  .map((edits) => edits.reduce((head, [at, cut, text]) => head.slice(0, at) + text + head.slice(at + cut), WHOLE));
const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/);
const value = fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,40}$/);
const wellFormed = fc
  .array(fc.tuple(token, value), { maxLength: 12 })
  .map((pairs) => pairs.filter(([name]) => name.toLowerCase() !== 'host'))
  .map((pairs) => `GET /p HTTP/1.1\r\nHost: h\r\n${pairs.map(([name, text]) => `${name}:${text}\r\n`).join('')}\r\n`);

const LINE_BREAKER = /[\r\n\0]/;
const RUNS = { numRuns: 3000 };

function checkFields(fields: readonly HeaderField[]): void {
  for (const { name, lowerName, value: text } of fields) {
    expect(name).toMatch(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/);
    expect(lowerName).toBe(name.toLowerCase());
    expect(text).toMatch(/^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/);
  }
}

function written(head: RequestHead): string {
  const fields = head.fields.map(({ name, value: text }) => `${name}: ${text}\r\n`);
  return `${head.method} ${head.target} HTTP/1.${head.minorVersion}\r\n${fields.join('')}\r\n`;
}

it('an accepted request head has clean parts and reads the same when it is written again', () => {
  let accepted = 0;
  fc.assert(
    fc.property(fc.oneof(soup, mutated, wellFormed), (text) => {
      const head = parseRequestHead(text, HEAD_LIMITS);
      if (isRefusal(head)) return;
      accepted++;
      for (const part of [head.method, head.target, head.host, head.authority]) expect(part).not.toMatch(LINE_BREAKER);
      checkFields(head.fields);
      const { bytes: _, ...parts } = head;
      expect(parseRequestHead(written(head), HEAD_LIMITS)).toMatchObject(parts);
    }),
    RUNS,
  );
  expect(accepted).toBeGreaterThan(RUNS.numRuns / 10);
});

it('every well-formed head is accepted with its fields', () => {
  fc.assert(
    fc.property(wellFormed, (text) => {
      const head = parseRequestHead(text, HEAD_LIMITS);
      expect(isRefusal(head)).toBe(false);
      if (!isRefusal(head)) expect(head.fields.length).toBe(text.split('\r\n').length - 3);
    }),
    RUNS,
  );
});

it('an accepted response head has clean parts', () => {
  fc.assert(
    fc.property(fc.oneof(soup, mutated, wellFormed), (text) => {
      const answer = text.replace(/^[^\r\n]*/, 'HTTP/1.1 200 OK');
      const head = parseResponseHead(answer, HEAD_LIMITS);
      if (isRefusal(head)) return;
      expect(head.reason).not.toMatch(LINE_BREAKER);
      checkFields(head.fields);
    }),
    RUNS,
  );
});
