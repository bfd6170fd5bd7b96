import { expect, test } from 'vitest';
import { SluiceError } from './errors.js';

test('an error survives structured clone as a plain object', () => {
  const error = new SluiceError('ENDPOINT_REFUSED', 'refused', {
    source: 'upstream',
    retry: true,
    cause: new Error('x'),
  });
  const again = SluiceError.fromJSON(structuredClone(error.toJSON()));
  expect(again).toBeInstanceOf(SluiceError);
  expect(again).toMatchObject({
    name: 'SluiceError',
    code: 'ENDPOINT_REFUSED',
    message: 'refused',
    source: 'upstream',
    retry: true,
  });
  expect(again.stack).toBe(error.stack);
});

test('nothing is safe to try again unless it says so', () => {
  const error = new SluiceError('BAD', 'bad', { source: 'client' });
  expect(error.retry).toBe(false);
  expect(error.cause).toBeUndefined();
});
