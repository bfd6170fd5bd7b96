import { describe, expect, it } from 'vitest';
import { modifiedPath } from './rewrite.js';

describe('ReplacePrefixMatch', () => {
  // The table of HTTPPathModifier, then what it leaves open. A prefix has lost its trailing slash when it is compiled.
  it.each([
    ['/foo/bar', '/foo', '/xyz', '/xyz/bar'],
    ['/foo/bar', '/foo', '/xyz/', '/xyz/bar'],
    ['/foo', '/foo', '/xyz', '/xyz'],
    ['/foo/', '/foo', '/xyz', '/xyz/'],
    ['/foo/bar', '/foo', '', '/bar'],
    ['/foo/', '/foo', '', '/'],
    ['/foo', '/foo', '', '/'],
    ['/foo/', '/foo', '/', '/'],
    ['/foo', '/foo', '/', '/'],
    ['/foo/bar', '/foo', '/', '/bar'],
    ['/foo', '/foo', '/xyz/', '/xyz'],
    ['/a/b/c', '/a/b', '/x/y', '/x/y/c'],
    ['/', '', '/xyz', '/xyz/'],
    ['/bar', '', '/xyz', '/xyz/bar'],
    ['/bar', '', '/', '/bar'],
    ['/foo%20x/y', '/foo%20x', '/z', '/z/y'],
  ])('%s with the prefix %s replaced by "%s" is %s', (path, prefix, value, expected) => {
    expect(modifiedPath(path, prefix.length, { type: 'prefix', value })).toBe(expected);
  });
});

it.each([
  ['/other', '/other'],
  ['', '/'],
  ['other', '/other'],
])('ReplaceFullPath by "%s" is %s whatever the request asked for', (value, expected) => {
  expect(modifiedPath('/foo/bar', 4, { type: 'full', value })).toBe(expected);
});

it('keeps the path without a modifier', () => {
  expect(modifiedPath('/foo', 4, null)).toBe('/foo');
});
