import { expect, test } from 'vitest';
import { FailedCode, FailedStage } from '../engine/binding.js';
import { answerFault, upstreamFailure } from './upstream-failure.js';

const error = (code: string, message = ''): Error => Object.assign(new Error(message), { code });

test.each([
  ['ECONNREFUSED', false, FailedStage.connect, FailedCode.errno],
  ['EHOSTUNREACH', false, FailedStage.connect, FailedCode.errno],
  ['UND_ERR_CONNECT_TIMEOUT', false, FailedStage.connect, FailedCode.timeout],
  ['EMFILE', false, FailedStage.connect, FailedCode.local],
  ['EADDRNOTAVAIL', false, FailedStage.connect, FailedCode.local],
  ['UND_ERR_CLOSED', false, FailedStage.connect, FailedCode.local],
  ['UND_ERR_SOCKET', true, FailedStage.response, FailedCode.reset],
  ['ECONNRESET', true, FailedStage.response, FailedCode.reset],
  ['UND_ERR_HEADERS_OVERFLOW', true, FailedStage.response, FailedCode.tooLarge],
])('%s, taken by the endpoint: %s', (code, started, stage, failed) => {
  expect(upstreamFailure(error(code), started)).toEqual({ stage, code: failed });
});

test('what is no answer is a fault that no other try mends', () => {
  expect(answerFault(error('HPE_INVALID_CONSTANT'))?.code).toBe('upstream-malformed');
  expect(answerFault(error('UND_ERR_SOCKET', 'bad upgrade'))?.code).toBe('upstream-bad-upgrade');
  expect(answerFault(error('UND_ERR_SOCKET', 'other side closed'))).toBeUndefined();
  expect(answerFault(new Error('plain'))).toBeUndefined();
});
