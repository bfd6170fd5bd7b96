import { expect, test } from 'vitest';
import { http2Fields } from './http2-answer.js';

test('names are in lower case, and what was said several times is', () => {
  expect({ ...http2Fields(['Set-Cookie', 'a=1', 'X-A', '1', 'set-cookie', 'b=2']) }).toEqual({
    'set-cookie': ['a=1', 'b=2'],
    'x-a': ['1'],
  });
});

test('nothing of a connection goes on', () => {
  const pairs = [
    'Connection',
    'close',
    'Keep-Alive',
    'x',
    'Transfer-Encoding',
    'chunked',
    'Upgrade',
    'websocket',
    'TE',
    'a',
  ];
  expect(Object.keys(http2Fields(pairs))).toEqual([]);
});

test('names that objects have anyway are names like others', () => {
  expect(Object.keys(http2Fields(['__proto__', '1', 'constructor', '2']))).toEqual(['__proto__', 'constructor']);
});
