import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogRecord, logFields } from './access-log.js';
import { HEAD_LIMITS, parseRequestHead, type RequestHead } from './head.js';
import { jsonString } from './json-string.js';
import { isRefusal } from './refusal.js';

function request(text: string): RequestHead {
  const head = parseRequestHead(text, HEAD_LIMITS);
  if (isRefusal(head)) throw new Error(head.code);
  return head;
}

const HEAD =
  'GET /a?token=x&b=1 HTTP/1.1\r\nHost: A.example:80\r\nUser-Agent: say "hi" \\ \xe9\r\nReferer: http://b/?pwd=1\r\n\r\n';
const RECORD: LogRecord = {
  frontendName: 'default/gateway',
  frontendPort: 80,
  listener: 'http',
  route: 'default/chat',
  request: request(HEAD),
  requestHeaderBytes: 0,
  tls: null,
  http2: false,
  status: 101,
  responseHeaderBytes: 150,
  requestId: '848bce9c-6df4-4345-8e68-eeb8eb6fe491',
  endpoint: { address: '2001:db8::1', port: 3000, slot: 0 },
  backendResponseLatencyMs: 12.3456,
  refusal: undefined,
  refusalReason: '',
};

function members(record: LogRecord): Record<string, unknown> {
  return JSON.parse(`{${logFields(record)}}`) as Record<string, unknown>;
}

describe('the fields of a record', () => {
  it('say all that is known', () => {
    expect(members(RECORD)).toEqual({
      msg: 'access',
      frontendName: 'default/gateway',
      frontendPort: 80,
      listener: 'http',
      route: 'default/chat',
      hostName: 'a.example',
      httpMethod: 'GET',
      httpVersion: 'HTTP/1.1',
      referer: 'http://b/?pwd=<redacted>',
      requestHeaderBytes: HEAD.length,
      requestUri: '/a?token=<redacted>&b=1',
      userAgent: 'say "hi" \\ \xe9',
      httpStatusCode: 101,
      responseHeaderBytes: 150,
      tlsCipher: '-',
      tlsProtocol: '-',
      trackingId: '848bce9c-6df4-4345-8e68-eeb8eb6fe491',
      backendHost: '[2001:db8::1]:3000',
      backendIp: '2001:db8::1',
      backendPort: 3000,
      backendResponseLatency: 12.346,
      refusal: '-',
      refusalReason: '-',
    });
  });

  it('have a dash for what is not known', () => {
    const nothing = { ...RECORD, request: undefined, requestHeaderBytes: 7, status: 0, responseHeaderBytes: 0 };
    const unknown = {
      endpoint: undefined,
      backendResponseLatencyMs: undefined,
      listener: '',
      route: '',
      requestId: '',
    };
    const result = members({ ...nothing, ...unknown, refusal: 'request-timeout' });
    expect(result).toMatchObject({ requestHeaderBytes: 7, responseHeaderBytes: 0, refusal: 'request-timeout' });
    const dashes = Object.entries(result).filter(([, value]) => value === '-');
    expect(dashes.map(([name]) => name).join(' ')).toBe(
      'listener route hostName httpMethod httpVersion referer requestUri userAgent httpStatusCode tlsCipher tlsProtocol ' +
        'trackingId backendHost backendIp backendPort backendResponseLatency refusalReason',
    );
  });

  it.each([0, 0.0004, 0.25, 1, 999.9996, 61_234.5])('print %d ms with three decimals', (value) => {
    const { backendResponseLatency } = members({ ...RECORD, backendResponseLatencyMs: value });
    expect(backendResponseLatency).toBe(Math.round(value * 1000) / 1000);
  });

  it('are bounded', () => {
    const long = 'x'.repeat(7000);
    const noisy = `GET /${long} HTTP/1.1\r\nHost: a\r\nUser-Agent: ${'\xff'.repeat(7000)}\r\n\r\n`;
    const result = logFields({ ...RECORD, request: request(noisy), route: long });
    expect(result.length).toBeLessThan(2 * 2048 + 512 + 1024);
    expect(JSON.parse(`{${result}}`)).toMatchObject({ requestUri: `/${'x'.repeat(2047)}…` });
  });
});

describe('JSON text', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)), maxLength: 60 }),
  );

  it('reads back as it was, in ASCII', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const json = jsonString(text, 10_000);
        expect(json).toMatch(/^[\x20-\x7e]*$/);
        expect(JSON.parse(json)).toBe(text);
      }),
      { numRuns: 3000 },
    );
  });

  it('is cut between characters', () => {
    fc.assert(
      fc.property(anyText, fc.nat(40), (text, max) => {
        const json = jsonString(text, max);
        expect(json.length).toBeLessThanOrEqual(max + 8);
        const read = JSON.parse(json) as string;
        if (read !== text) expect(text.startsWith(read.slice(0, -1)) && read.endsWith('…')).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });
});
