import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeCheckResponse, encodeCheckRequest, readAnswer } from './grpc-message.js';

const answer = (...message: number[]) => Buffer.from([0, 0, 0, 0, message.length, ...message]);

describe('the request', () => {
  test('for the server as a whole is an empty message', () => {
    expect(encodeCheckRequest('').toString('hex')).toBe('0000000000');
  });

  test('names the service in field 1', () => {
    expect(encodeCheckRequest('chat').toString('hex')).toBe(`00000000060a04${Buffer.from('chat').toString('hex')}`);
  });

  test('has a length of several bytes for a long name', () => {
    const bytes = encodeCheckRequest('x'.repeat(300));
    expect(bytes.readUInt32BE(1)).toBe(303);
    expect(bytes.subarray(5, 8).toString('hex')).toBe('0aac02');
  });
});

describe('the answer', () => {
  test.each([
    [answer(), 'UNKNOWN'],
    [answer(8, 1), 'SERVING'],
    [answer(8, 2), 'NOT_SERVING'],
    [answer(8, 3), 'SERVICE_UNKNOWN'],
    [answer(8, 9), 'serving status 9'],
    [answer(8, 0x81, 0x00), 'SERVING'],
    [answer(8, 2, 8, 1), 'SERVING'],
    [answer(0x12, 2, 8, 2, 8, 1), 'SERVING'],
    [answer(0x1d, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x28, 7, 8, 1), 'SERVING'],
  ])('%# says its status', (bytes, status) => {
    expect(readAnswer(bytes)).toEqual({ status });
  });

  test.each([
    [Buffer.alloc(0), 'the answer is not one whole gRPC message'],
    [Buffer.from([0, 0, 0, 0, 2, 8]), 'the answer is not one whole gRPC message'],
    [Buffer.from([0, 0, 0, 0, 2, 8, 1, 8]), 'the answer is not one whole gRPC message'],
    [Buffer.from([1, 0, 0, 0, 2, 8, 1]), 'the answer is compressed, which the probe did not allow'],
    [answer(8), 'the answer is not a HealthCheckResponse'],
    [answer(0x12, 9, 1), 'the answer is not a HealthCheckResponse'],
    [answer(0x0b), 'the answer is not a HealthCheckResponse'],
    [answer(0), 'the answer is not a HealthCheckResponse'],
    [answer(8, ...Array.from({ length: 11 }, () => 0xff)), 'the answer is not a HealthCheckResponse'],
  ])('%# says what is wrong with it', (bytes, fault) => {
    expect(readAnswer(bytes)).toEqual({ fault });
  });

  test('of any bytes is a number or nothing, and ends', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const status = decodeCheckResponse(Buffer.from(bytes));
        expect(status === undefined || Number.isFinite(status)).toBe(true);
      }),
      { seed: 20_261, numRuns: 2000 },
    );
  });
});
