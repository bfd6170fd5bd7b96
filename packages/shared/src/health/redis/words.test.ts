import { describe, expect, it } from 'vitest';
import { attemptWords, givenUpWords, redisWords } from './words.js';

describe('redisWords', () => {
  it.each([
    [
      'NOAUTH Authentication required.',
      'NOAUTH Authentication required; give a password, in the URL or as SLUICE_REDIS_PASSWORD',
    ],
    [
      'WRONGPASS invalid username-password pair or user is disabled.',
      'WRONGPASS invalid username-password pair or user is disabled; check user and password',
    ],
    [
      'cannot subscribe: NOPERM No permissions to access a channel used as an argument',
      'cannot subscribe: NOPERM No permissions to access a channel used as an argument; docs/redis.md has the rights that the user needs',
    ],
    ['self-signed certificate', 'self-signed certificate; --redis-ca names the file of the CA that signed it'],
    ['connect ECONNREFUSED 127.0.0.1:6379', 'connect ECONNREFUSED 127.0.0.1:6379'],
    [
      'All sentinels are unreachable and retry is disabled. Last error: Connection is closed.',
      'no sentinel could be asked for the master; the last one: Connection is closed.',
    ],
    ['All sentinels are unreachable and retry is disabled.', 'no sentinel knows a master of that name'],
  ])('%s', (message, words) => expect(redisWords(message)).toBe(words));
});

it('asks about TLS when nothing was answered', () => {
  expect(givenUpWords('no answer', true)).toBe('no answer; is it a port that speaks TLS?');
  expect(givenUpWords('no answer', false)).toBe('no answer');
  expect(redisWords('Protocol error, got "\\u0015" as reply type byte')).toContain('rediss://');
});

it('says of an attempt that was closed that it may have wanted TLS', () => {
  const hint = '; a port that speaks TLS wants rediss://';
  expect(attemptWords('read ECONNRESET', false)).toBe(`read ECONNRESET${hint}`);
  const library = "Stream isn't writeable and enableOfflineQueue options is false";
  for (const message of ['', library]) {
    expect(attemptWords(message, false)).toBe(`the connection was closed before Redis answered${hint}`);
    expect(attemptWords(message, true)).toBe('the connection was closed before Redis answered');
  }
  expect(attemptWords('NOAUTH x', false)).toBe(redisWords('NOAUTH x'));
});
