import { describe, expect, it } from 'vitest';
import { busKeys } from './keys.js';
import type { RedisOptions } from './options.js';
import { redisTarget } from './settings.js';

function options(parts: Partial<RedisOptions>): RedisOptions {
  return { url: 'redis://localhost', sentinels: [], master: '', prefix: 'sluice', ...parts };
}

describe('redisTarget', () => {
  it('takes host, port, database and credentials from the URL', () => {
    const target = redisTarget(options({ url: 'redis://me:p%40ss@redis.example:7000/3' }));
    expect(target).toMatchObject({ database: 3, name: 'redis.example:7000' });
    expect(target.clientOptions('reader')).toMatchObject({
      host: 'redis.example',
      port: 7000,
      db: 3,
      username: 'me',
      password: 'p@ss',
      connectionName: 'sluice-reader',
      enableOfflineQueue: false,
    });
  });

  it('prefers credentials given apart', () => {
    const target = redisTarget(options({ url: 'redis://a:b@h', username: 'c', password: 'd' }));
    expect(target.clientOptions('x')).toMatchObject({ username: 'c', password: 'd' });
  });

  it('knows an IPv6 address and the default port', () => {
    expect(redisTarget(options({ url: 'redis://[::1]' })).clientOptions('x')).toMatchObject({
      host: '::1',
      port: 6379,
    });
  });

  it('speaks TLS for rediss:, and names the server unless it is an address', () => {
    expect(redisTarget(options({ url: 'rediss://h' })).clientOptions('x').tls).toEqual({ servername: 'h' });
    expect(redisTarget(options({ url: 'rediss://127.0.0.1' })).clientOptions('x').tls).toEqual({});
    expect(redisTarget(options({})).clientOptions('x').tls).toBeUndefined();
  });

  it('asks sentinels for the master', () => {
    const sentinels = [{ host: 's1', port: 26379 }];
    const target = redisTarget(
      options({ url: 'rediss://:pw@ignored/1', sentinels, master: 'main', sentinelPassword: 's' }),
    );
    expect(target.name).toBe('master main of sentinels s1:26379');
    expect(target.clientOptions('x')).toMatchObject({
      sentinels,
      name: 'main',
      db: 1,
      password: 'pw',
      sentinelPassword: 's',
      enableTLSForSentinelMode: true,
    });
  });

  it.each([
    ['no URL', { url: 'red is' }, /not one; use redis:/],
    ['another scheme', { url: 'http://localhost' }, /scheme of the URL is "http:"; use redis:/],
    ['a database that is no number', { url: 'redis://h/prod' }, /database "prod"/],
    ['a bad escape', { url: 'redis://:%zz@h' }, /write it as %25/],
    ['an empty prefix', { prefix: '' }, /prefix ""/],
    ['a pattern as prefix', { prefix: 'a*' }, /prefix "a\*"/],
    ['a CA without TLS', { caFile: '/x.pem' }, /rediss:/],
    [
      'a CA file that is not there',
      { url: 'rediss://h', caFile: '/nowhere/x.pem' },
      /CA file \/nowhere\/x\.pem does not exist/,
    ],
    [
      'a CA file without a certificate',
      { url: 'rediss://h', caFile: import.meta.filename },
      /has no certificate in it.*PEM/,
    ],
    ['sentinels without a master', { sentinels: [{ host: 's', port: 1 }] }, /name of the master/],
  ])('refuses %s', (_what, parts, message) => {
    expect(() => redisTarget(options(parts))).toThrow(message);
  });

  it('never shows a password in an error', () => {
    expect(() => redisTarget(options({ url: 'redis://:secret@h:port' }))).toThrow(/^((?!secret).)*$/);
  });
});

describe('busKeys', () => {
  it('puts everything under the prefix and one hash tag', () => {
    expect(busKeys('blue', 0)).toEqual({
      lease: 'blue:{health}:lease',
      epoch: 'blue:{health}:epoch',
      table: 'blue:{health}:table',
      channel: 'blue:{health}:bus',
    });
  });

  it('keeps databases apart, which share their channels', () => {
    expect(busKeys('blue', 2).channel).not.toBe(busKeys('blue', 0).channel);
  });
});
