import { describe, expect, test } from 'vitest';
import { HEAD_LIMITS, parseRequestHead, type RequestHead } from './head.js';
import { isRefusal } from './refusal.js';
import { bodyRefusal, hasBody } from './request-body.js';

function request(fields: string, version = 'HTTP/1.1'): RequestHead {
  const parsed = parseRequestHead(`POST / ${version}\r\nHost: a\r\n${fields}\r\n`, HEAD_LIMITS);
  if (isRefusal(parsed)) throw new Error(parsed.code);
  return parsed;
}

describe('the framing of a request', () => {
  test.each([
    ['', false],
    ['Content-Length: 0\r\n', false],
    ['Content-Length: 00\r\n', false],
    ['Content-Length: 12\r\n', true],
    ['Transfer-Encoding: chunked\r\n', true],
    ['transfer-encoding: CHUNKED\r\n', true],
  ])('%j is taken', (fields, body) => {
    expect(bodyRefusal(request(fields))).toBeUndefined();
    expect(hasBody(request(fields))).toBe(body);
  });

  test.each([
    ['Content-Length: 1\r\nTransfer-Encoding: chunked\r\n', 'HTTP/1.1'],
    ['Content-Length: 1\r\nContent-Length: 1\r\n', 'HTTP/1.1'],
    ['Content-Length: 1, 1\r\n', 'HTTP/1.1'],
    ['Content-Length: -1\r\n', 'HTTP/1.1'],
    ['Content-Length: 1e3\r\n', 'HTTP/1.1'],
    ['Content-Length:\r\n', 'HTTP/1.1'],
    ['Content-Length: 9007199254740993\r\n', 'HTTP/1.1'],
    ['Transfer-Encoding: gzip\r\n', 'HTTP/1.1'],
    ['Transfer-Encoding: gzip, chunked\r\n', 'HTTP/1.1'],
    ['Transfer-Encoding: chunked;q=1\r\n', 'HTTP/1.1'],
    ['Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', 'HTTP/1.1'],
    ['Transfer-Encoding:\r\n', 'HTTP/1.1'],
    ['Transfer-Encoding: chunked\r\n', 'HTTP/1.0'],
  ])('%j in %s is refused', (fields, version) => {
    expect(bodyRefusal(request(fields, version))?.code).toBe('malformed-header');
  });
});
