import { describe, expect, test } from 'vitest';
import { faultWords, isOwnFault, pathWords, spanWords, withArticle } from './words.js';

function fault(code: string, more: object = {}): Error {
  return Object.assign(new Error(`${code} 127.0.0.1:49152`), { code, ...more });
}

describe('an error in words', () => {
  test.each([
    ['ECONNREFUSED', 'connection', 'connection refused'],
    ['EHOSTUNREACH', 'connection', 'no route to the host'],
    ['ECONNRESET', 'connection', 'connection reset'],
    ['ECONNRESET', 'answer', 'connection reset before an answer'],
    ['ECONNRESET', 'TLS handshake', 'connection reset before a TLS handshake'],
    ['EPIPE', 'pong', 'connection closed before a pong'],
    ['EMFILE', 'connection', 'this process is out of descriptors'],
    ['CERT_HAS_EXPIRED', 'TLS handshake', 'TLS: the certificate, or one of its chain, has expired'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'TLS handshake', 'TLS: the certificate is not for chat.example'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'TLS handshake', 'TLS: the port does not speak TLS'],
    ['ERR_SSL_SOMETHING_NEW', 'TLS handshake', 'TLS: the handshake failed (ERR_SSL_SOMETHING_NEW)'],
    ['HPE_HEADER_OVERFLOW', 'answer', 'the head of the answer is too large'],
    ['HPE_SOMETHING_NEW', 'answer', 'the answer is not well-formed HTTP/1.1 (HPE_SOMETHING_NEW)'],
    ['ESOMETHING', 'answer', 'failed before an answer (ESOMETHING)'],
  ])('%s, waiting for a %s: %s', (code, awaited, words) => {
    expect(faultWords(fault(code), awaited, 'chat.example')).toBe(words);
  });

  test('a certificate for another address', () => {
    expect(faultWords(fault('ERR_TLS_CERT_ALTNAME_INVALID'), 'TLS handshake', '')).toBe(
      'TLS: the certificate is not for this address',
    );
  });

  test('TLS where HTTP was expected is recognised', () => {
    const alert = { rawPacket: Buffer.from([21, 3, 1, 0, 2, 2, 70]) };
    expect(faultWords(fault('HPE_INVALID_CONSTANT', alert), 'answer', '')).toBe(
      'the port speaks TLS, the probe does not',
    );
  });

  test('what has no code has words too', () => {
    expect(faultWords(new Error('127.0.0.1:49152'), 'answer', '')).toBe('failed before an answer (no code)');
    expect(faultWords('text', 'pong', '')).toBe('failed before a pong (no code)');
  });
});

test('faults of this machine are told from those of the endpoint', () => {
  expect(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS'].map((code) => isOwnFault(fault(code)))).not.toContain(false);
  expect(['ECONNREFUSED', 'toString'].map((code) => isOwnFault(fault(code)))).not.toContain(true);
});

test('an article fits its noun', () => {
  expect(['answer', 'pong', 'TLS handshake'].map(withArticle)).toEqual(['an answer', 'a pong', 'a TLS handshake']);
});

test('a span', () => {
  expect([250, 1000, 1500, 30_000].map(spanWords)).toEqual(['250ms', '1s', '1.5s', '30s']);
});

test('a path is shown without query, control characters and endless tails', () => {
  expect(pathWords('/health?token=secret')).toBe('/health');
  expect(pathWords('/a\r\nb')).toBe('/a??b');
  expect(pathWords(`/${'x'.repeat(500)}`)).toHaveLength(128);
});
