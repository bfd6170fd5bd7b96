import { describe, expect, it } from 'vitest';
import { HEAD_LIMITS, parseResponseHead } from './head.js';
import { httpDate, isRefusal, REFUSALS, type RefusalCode, refusalBytes, refuse, retryAfterS } from './refusal.js';

const CODES = Object.keys(REFUSALS) as RefusalCode[];
const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';

describe.each(CODES)('%s', (code) => {
  const bytes = refusalBytes(refuse(code, 'more'), 'ID', DATE, 'GET', 4);
  const split = bytes.indexOf('\r\n\r\n') + 4;
  const head = parseResponseHead(bytes.slice(0, split), HEAD_LIMITS);
  const body = bytes.slice(split);

  it('is a whole answer that says who refused what', () => {
    if (isRefusal(head)) throw new Error(head.detail);
    const field = (name: string) => head.fields.filter((each) => each.lowerName === name).map((each) => each.value);
    expect(head.status).toBe(REFUSALS[code].status);
    expect(head.reason).not.toBe('');
    expect(field('content-length')).toEqual([String(body.length)]);
    expect(field('content-type')).toEqual(['text/plain; charset=utf-8']);
    expect(field('cache-control')).toEqual(['no-store']);
    expect(field('date')).toEqual([DATE]);
    expect(field('x-request-id')).toEqual(['ID']);
    expect(field('connection')).toEqual([head.status === 426 ? 'close, Upgrade' : 'close']);
    expect(field('upgrade')).toEqual(head.status === 426 ? ['websocket'] : []);
    expect(field('sec-websocket-version')).toEqual(head.status === 426 ? ['13'] : []);
    expect(field('allow')).toEqual(head.status === 405 ? ['GET'] : []);
    expect(field('retry-after')).toEqual(head.status === 503 ? ['4'] : []);
    expect(body).toBe(`sluice: ${head.status} ${REFUSALS[code].text}: more (${code})\n`);
    expect(bytes).toMatch(/^[\r\n\x20-\x7e]*$/);
  });

  it('has a status of its source', () => {
    const { status, source } = REFUSALS[code];
    const client = status < 500 || status === 501 || status === 505;
    expect(source === 'client').toBe(client);
  });
});

it('leaves out what is not given', () => {
  const bytes = refusalBytes(refuse('no-route'));
  expect(bytes).not.toMatch(/^(date|x-request-id):/im);
  expect(bytes).toMatch(/\r\n\r\nsluice: 404 no route matches this host and path \(no-route\)\n$/);
});

it('answers HEAD without a body, but with its length', () => {
  expect(refusalBytes(refuse('no-route'), '', '', 'HEAD')).toMatch(/\r\nContent-Length: \d+\r\n\r\n$/);
});

it('is told from every other value', () => {
  expect(isRefusal(refuse('internal'))).toBe(true);
  for (const other of [undefined, null, 'internal', {}, { code: 'internal', status: 500 }]) {
    expect(isRefusal(other)).toBe(false);
  }
});

it('allows a retry only where the backend cannot have acted on the request', () => {
  expect(CODES.filter((code) => REFUSALS[code].retry)).toEqual([
    'connect-failed',
    'connect-tls',
    'connect-timeout',
    'upstream-reset',
  ]);
});

it('writes the date of RFC 9110', () => {
  expect(httpDate(784_111_777_000)).toBe(DATE);
  expect(httpDate(784_111_777_999)).toBe(DATE);
  expect(httpDate(784_111_778_000)).toBe('Sun, 06 Nov 1994 08:49:38 GMT');
});

it('spreads when to come back over 1 to 5 s', () => {
  expect([0, 0.19, 0.2, 0.5, 0.79, 0.8, 0.999].map((value) => retryAfterS(() => value))).toEqual([1, 1, 2, 3, 4, 5, 5]);
});
