import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RelayMode } from '../engine/binding.js';
import { AnswerBody } from './answer-body.js';

const read = (body: AnswerBody, ...parts: readonly string[]): string =>
  parts.flatMap((part) => body.push(Buffer.from(part, 'latin1')).map((chunk) => chunk.toString('latin1'))).join('');

test('a body with a length ends there', () => {
  const body = new AnswerBody({ mode: RelayMode.length, length: 5 });
  expect(read(body, 'ab', 'cde', 'more')).toBe('abcde');
  expect(body.done).toBe(true);
  expect(new AnswerBody({ mode: RelayMode.length, length: 0 }).done).toBe(true);
});

test('a body without one ends with its connection', () => {
  const body = new AnswerBody({ mode: RelayMode.untilEof, length: 0 });
  expect(read(body, 'ab', 'c')).toBe('abc');
  expect([body.done, body.doneAtEof]).toEqual([false, true]);
});

test('chunks lose their framing, extensions and trailers, wherever they are cut', () => {
  const text = '4\r\nWiki\r\nB;x="y"\r\npedia in \r\n\r\n0\r\nEtag: "1"\r\n\r\n';
  fc.assert(
    fc.property(fc.array(fc.nat({ max: text.length }), { maxLength: 8 }), (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), text.length];
      const body = new AnswerBody({ mode: RelayMode.chunked, length: 0 });
      const parts = places.slice(1).map((end, index) => text.slice(places[index], end));
      expect(read(body, ...parts)).toBe('Wikipedia in \r\n');
      expect(body.done).toBe(true);
    }),
    { seed: 7 },
  );
});

test.each(['x\r\n', '\r\n', '-1\r\n', '2\r\nabc\r\n', '1234567890abc\r\n'])('malformed: %j', (text) => {
  expect(() => read(new AnswerBody({ mode: RelayMode.chunked, length: 0 }), text)).toThrow(RangeError);
});

test('an end in the middle is no end', () => {
  const chunked = new AnswerBody({ mode: RelayMode.chunked, length: 0 });
  read(chunked, '4\r\nWiki\r\n');
  expect(chunked.doneAtEof).toBe(false);
  const long = new AnswerBody({ mode: RelayMode.length, length: 9 });
  read(long, 'abc');
  expect(long.doneAtEof).toBe(false);
});
