import type { CorsSnapshot } from '@sluice/shared/snapshot/rule-policy';
import { describe, expect, it } from 'vitest';
import { checkCors, corsFields, preflightAnswer } from './cors.js';
import { HEAD_LIMITS, parseRequestHead, type RequestHead } from './head.js';
import { ownAnswerBytes } from './own-answer.js';
import { isRefusal } from './refusal.js';

const CORS: CorsSnapshot = {
  allowOrigins: ['https://a.com'],
  allowCredentials: false,
  allowMethods: ['GET', 'PUT'],
  allowHeaders: ['X-One', 'x-two'],
  exposeHeaders: ['X-Seen'],
  maxAgeS: 5,
};
const ANY = { ...CORS, allowOrigins: ['*'], allowMethods: ['*'], allowHeaders: ['*'], exposeHeaders: ['*'] };
const ASKED = ['Access-Control-Request-Method: PUT', 'Access-Control-Request-Headers: x-one, x y, X-Two'];
const ORIGIN = 'Origin: https://a.com';

function request(method: string, ...fields: readonly string[]): RequestHead {
  const head = parseRequestHead(
    `${[`${method} / HTTP/1.1`, 'Host: a.test', ...fields].join('\r\n')}\r\n\r\n`,
    HEAD_LIMITS,
  );
  if (isRefusal(head)) throw new Error(head.code);
  return head;
}
/** Fields of an answer without Vary, which has a test of its own. */
function lines(text: string | undefined): string[] | undefined {
  return text?.split('\r\n').filter((line) => line !== '' && !line.startsWith('Vary: '));
}

describe('a preflight', () => {
  const answer = (cors: CorsSnapshot, ...fields: readonly string[]) =>
    lines(preflightAnswer(cors, request('OPTIONS', ...fields))?.fields);

  it('of an allowed origin is told all that the filter allows', () => {
    expect(answer(CORS, ORIGIN, ...ASKED)).toEqual([
      'Access-Control-Allow-Origin: https://a.com',
      'Access-Control-Allow-Methods: GET, PUT',
      'Access-Control-Allow-Headers: X-One, x-two',
      'Access-Control-Max-Age: 5',
    ]);
  });

  it('where everything is allowed is told so, but with credentials by name', () => {
    expect(answer(ANY, 'Origin: https://b.com', ...ASKED)).toEqual([
      'Access-Control-Allow-Origin: *',
      'Access-Control-Allow-Methods: *',
      'Access-Control-Allow-Headers: *',
      'Access-Control-Max-Age: 5',
    ]);
    expect(answer({ ...ANY, allowCredentials: true }, 'Origin: https://B.com', ...ASKED)).toEqual([
      'Access-Control-Allow-Origin: https://B.com',
      'Access-Control-Allow-Credentials: true',
      'Access-Control-Allow-Methods: PUT',
      'Access-Control-Allow-Headers: x-one, X-Two',
      'Access-Control-Max-Age: 5',
    ]);
    const none = { ...ANY, allowCredentials: true, allowMethods: [] };
    expect(answer(none, ORIGIN, 'Access-Control-Request-Method: PUT')).toEqual([
      'Access-Control-Allow-Origin: https://a.com',
      'Access-Control-Allow-Credentials: true',
      'Access-Control-Max-Age: 5',
    ]);
  });

  it.each(['https://b.com', 'null', 'https://a.com/'])('of %s is told nothing', (origin) => {
    expect(answer(CORS, `Origin: ${origin}`, ...ASKED)).toEqual([]);
  });

  it('of several origins is told none of them', () => {
    expect(answer({ ...ANY, allowCredentials: true }, ORIGIN, 'Origin: https://b.com', ...ASKED)).toEqual([]);
  });

  it('is an OPTIONS with Origin and the method that is asked for', () => {
    expect(answer(CORS, ORIGIN)).toBeUndefined();
    expect(answer(CORS, ...ASKED)).toBeUndefined();
    expect(preflightAnswer(CORS, request('GET', ORIGIN, ...ASKED))).toBeUndefined();
  });

  it('gets a whole 204 without a body', () => {
    const own = preflightAnswer(CORS, request('OPTIONS', ORIGIN, ...ASKED));
    if (own === undefined) throw new Error('no answer');
    const bytes = ownAnswerBytes(own, 'ID', 'DATE', 'OPTIONS');
    expect(bytes).toMatch(
      /^HTTP\/1\.1 204 No Content\r\nDate: DATE\r\n.*Connection: close\r\nx-request-id: ID\r\n\r\n$/s,
    );
    expect(bytes).not.toMatch(/content-(length|type)/i);
    expect(bytes).toMatch(/Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n/);
  });
});

describe('an answer of the backend', () => {
  it.each<[string, CorsSnapshot, readonly string[], readonly string[]]>([
    [
      'an allowed origin',
      CORS,
      [ORIGIN],
      ['Access-Control-Allow-Origin: https://a.com', 'Access-Control-Expose-Headers: X-Seen'],
    ],
    ['another', CORS, ['Origin: https://b.com'], []],
    ['none', CORS, [], []],
    ['any', ANY, ['Origin: null'], ['Access-Control-Allow-Origin: *', 'Access-Control-Expose-Headers: *']],
    [
      'any with credentials',
      { ...ANY, allowCredentials: true },
      ['Origin: null'],
      ['Access-Control-Allow-Origin: null', 'Access-Control-Allow-Credentials: true'],
    ],
  ])('to %s', (_name, cors, fields, expected) => {
    const text = corsFields(cors, request('GET', ...fields));
    expect(lines(text)).toEqual(expected);
    expect(text).toMatch(/Vary: Origin\r\n$/);
  });
});

describe('a handshake', () => {
  it.each<[string, readonly string[], string | undefined]>([
    ['of an allowed origin', [ORIGIN], undefined],
    ['of the same origin', ['Origin: http://a.test'], undefined],
    ['without Origin', [], undefined],
    ['of another', ['Origin: https://b.com'], 'origin-not-allowed'],
    ['of null', ['Origin: null'], 'origin-not-allowed'],
    ['of several', [ORIGIN, ORIGIN], 'origin-not-allowed'],
  ])('%s', (_name, fields, code) => {
    expect(checkCors(CORS, request('GET', ...fields), false)?.code).toBe(code);
  });
});
