import { expect, test } from 'vitest';
import { Signals } from './signals.js';

test('a SIGHUP that comes before anybody can read again is not lost, and counts once', () => {
  const signals = new Signals();
  let reopened = 0;
  try {
    process.emit('SIGHUP', 'SIGHUP');
    process.emit('SIGHUP', 'SIGHUP');
    const reopen = () => {
      reopened += 1;
    };
    signals.handle({ end: () => {}, reopen });
    expect(reopened).toBe(1);
    process.emit('SIGHUP', 'SIGHUP');
    expect(reopened).toBe(2);
  } finally {
    signals.close();
  }
});
