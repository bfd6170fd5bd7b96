import { expect, test } from 'vitest';
import { FailedCode, FailedStage } from '../engine/binding.js';
import { answerFault, handshakeFailure, TlsFailure, upstreamFailure } from './upstream-failure.js';

const error = (code: string, message = '', more = {}): Error => Object.assign(new Error(message), { code, ...more });

test.each([
  ['ECONNREFUSED', false, FailedStage.connect, FailedCode.errno, 'ECONNREFUSED'],
  ['EHOSTUNREACH', false, FailedStage.connect, FailedCode.errno, 'EHOSTUNREACH'],
  ['UND_ERR_CONNECT_TIMEOUT', false, FailedStage.connect, FailedCode.timeout, ''],
  ['EMFILE', false, FailedStage.connect, FailedCode.local, 'EMFILE'],
  ['EADDRNOTAVAIL', false, FailedStage.connect, FailedCode.local, 'EADDRNOTAVAIL'],
  ['UND_ERR_CLOSED', false, FailedStage.connect, FailedCode.local, ''],
  ['UND_ERR_SOCKET', true, FailedStage.response, FailedCode.reset, ''],
  ['ECONNRESET', true, FailedStage.response, FailedCode.reset, ''],
  ['UND_ERR_HEADERS_OVERFLOW', true, FailedStage.response, FailedCode.tooLarge, ''],
])('%s, taken by the endpoint: %s', (code, started, stage, failed, why) => {
  expect(upstreamFailure(error(code), started)).toEqual({ stage, code: failed, why });
});

test.each([
  ['a certificate', error('CERT_HAS_EXPIRED', 'certificate has expired'), 'certificate has expired'],
  ['a name', error('ERR_TLS_CERT_ALTNAME_INVALID', 'hostname mismatch'), 'hostname mismatch'],
  [
    'what OpenSSL says',
    error('ERR_SSL_WRONG_VERSION_NUMBER', '80:error:0A', { reason: 'wrong version number' }),
    'wrong version number',
  ],
  ['an end', error('ECONNRESET', 'disconnected before secure connection'), 'closed during the handshake'],
])('a TLS handshake that fails by %s', (_, cause, why) => {
  const failure = handshakeFailure(cause);
  expect(failure).toBeInstanceOf(TlsFailure);
  const stage = FailedStage.connect;
  expect(upstreamFailure(failure, false)).toEqual({ stage, code: FailedCode.tls, why });
});

test('a reset during a TLS handshake is a failed connect', () => {
  const reset = error('ECONNRESET', 'read ECONNRESET', { syscall: 'read' });
  expect(handshakeFailure(reset)).toBe(reset);
});

test('an alert behind the handshake says why', () => {
  const alert = error('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'x', {
    reason: 'tlsv13 alert certificate required',
  });
  expect(upstreamFailure(alert, true)).toEqual({
    stage: FailedStage.response,
    code: FailedCode.tls,
    why: 'tlsv13 alert certificate required',
  });
});

test('what is no answer is a fault that no other try mends', () => {
  const parser = Object.assign(new Error('Response does not match'), { name: 'HTTPParserError' });
  expect(answerFault(parser)?.code).toBe('upstream-malformed');
  expect(answerFault(error('UND_ERR_RES_CONTENT_LENGTH_MISMATCH'))?.code).toBe('upstream-malformed');
  expect(answerFault(error('UND_ERR_SOCKET', 'bad upgrade'))?.code).toBe('upstream-bad-upgrade');
  expect(answerFault(error('UND_ERR_SOCKET', 'other side closed'))).toBeUndefined();
  expect(answerFault(new Error('plain'))).toBeUndefined();
});
