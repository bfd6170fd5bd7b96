import { describe, expect, it } from 'vitest';
import { alternativeNames } from './trust.js';

describe('alternativeNames', () => {
  it.each<[string, string | undefined, readonly string[]]>([
    ['none', undefined, []],
    ['one', 'DNS:a.example', ['DNS:a.example']],
    ['several', 'DNS:a, IP Address:127.0.0.1, URI:spiffe://x/y', ['DNS:a', 'IP Address:127.0.0.1', 'URI:spiffe://x/y']],
    ['one that pretends to be two', 'URI:"http://a, DNS:b.example", DNS:c', ['URI:http://a, DNS:b.example', 'DNS:c']],
    ['quotes inside', String.raw`URI:"http://a\", DNS:b", DNS:c`, ['URI:http://a", DNS:b', 'DNS:c']],
  ])('%s', (_, subjectAltName, names) => {
    expect(alternativeNames({ subjectAltName })).toEqual(names);
  });
});
