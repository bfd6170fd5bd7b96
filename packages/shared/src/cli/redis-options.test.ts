import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { redisOf, redisOptions } from './redis-options.js';

function of(values: Readonly<Record<string, string>>) {
  return redisOf('sluice', z.object(redisOptions).parse(values));
}

describe('redisOf', () => {
  it('is none when nothing says which', () => {
    expect(of({})).toBeNull();
    expect(of({ redisPrefix: 'other', redisMaster: 'main' })).toBeNull();
  });

  it('takes a URL, or sentinels with their default port', () => {
    expect(of({ redis: 'rediss://cache:6380', redisCa: 'ca.pem' })).toMatchObject({
      url: 'rediss://cache:6380',
      prefix: 'sluice',
      caFile: 'ca.pem',
    });
    expect(of({ redisSentinels: 'a, b:26380' })).toMatchObject({
      sentinels: [
        { host: 'a', port: 26_379 },
        { host: 'b', port: 26_380 },
      ],
      master: 'mymaster',
    });
  });

  it.each([
    ['redisPassword', '--redis-password'],
    ['redisUsername', '--redis-username'],
    ['redisSentinelPassword', '--redis-sentinel-password'],
    ['redisCa', '--redis-ca'],
  ])('%s alone means that something was forgotten', (name, flag) => {
    expect(() => of({ [name]: 'x' })).toThrow(`sluice: ${flag} needs --redis or --redis-sentinels`);
  });
});
