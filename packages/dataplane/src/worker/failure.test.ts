import { describe, expect, it } from 'vitest';
import { FailedCode, FailedStage } from '../engine/binding.js';
import { REFUSALS } from '../policy/refusal.js';
import { attemptTimeoutMs, failureCode, failureReason, mayTryAgain } from './failure.js';

const { connect, requestHead, response } = FailedStage;
const { eof, errno, local, reset, timeout, tooLarge, truncated } = FailedCode;

describe('failureCode', () => {
  it.each([
    [requestHead, timeout, 'request-timeout', 408],
    [requestHead, tooLarge, 'header-too-large', 431],
    [connect, errno, 'connect-failed', 502],
    [connect, timeout, 'connect-timeout', 504],
    [connect, local, 'local-exhausted', 503],
    [response, eof, 'upstream-reset', 502],
    [response, reset, 'upstream-reset', 502],
    [response, truncated, 'upstream-truncated', 502],
    [response, tooLarge, 'upstream-head-too-large', 502],
    [response, timeout, 'answer-timeout', 504],
    [response, local, 'local-exhausted', 503],
  ] as const)('stage %d, code %d: %s', (stage, code, expected, status) => {
    expect(failureCode(stage, code)).toBe(expected);
    expect(REFUSALS[expected].status).toBe(status);
  });
});

describe('mayTryAgain', () => {
  it('tries up to three endpoints while the budget lasts', () => {
    expect(mayTryAgain('connect-failed', 1, 100)).toBe(true);
    expect(mayTryAgain('upstream-reset', 2, 100)).toBe(true);
    expect(mayTryAgain('connect-failed', 3, 100)).toBe(false);
    expect(mayTryAgain('connect-timeout', 1, 0)).toBe(false);
  });

  it('never after a local fault, or once a backend may have acted on the request', () => {
    expect(mayTryAgain('local-exhausted', 1, 5000)).toBe(false);
    expect(mayTryAgain('upstream-truncated', 1, 5000)).toBe(false);
    expect(mayTryAgain('answer-timeout', 1, 5000)).toBe(false);
  });
});

describe('attemptTimeoutMs', () => {
  it('gives a single endpoint the whole budget, and shares it between those that will be tried', () => {
    expect(attemptTimeoutMs(5000, 1, 0)).toBe(5000);
    expect(attemptTimeoutMs(5000, 2, 0)).toBe(2500);
    expect(attemptTimeoutMs(6000, 9, 0)).toBe(2000);
    expect(attemptTimeoutMs(4000, 9, 1)).toBe(2000);
    expect(attemptTimeoutMs(2000, 9, 2)).toBe(2000);
  });
});

it('the log is told what the kernel or OpenSSL said', () => {
  expect(failureReason({ errno: 111, why: '' })).toBe('ECONNREFUSED');
  expect(failureReason({ errno: 0, why: 'certificate has expired' })).toBe('certificate has expired');
  expect(failureReason({ errno: 0, why: '' })).toBe('');
});
