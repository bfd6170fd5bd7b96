import { describe, expect, it } from 'vitest';
import { cleanPath, isSuspect } from './paths.js';
import { isRefusal } from './refusal.js';

function result(path: string, normalise: boolean): string {
  if (!isSuspect(path)) return path;
  const clean = cleanPath(path, normalise);
  return isRefusal(clean) ? `${clean.status} ${clean.code}: ${clean.detail}` : clean;
}

const DOTS = '400 ambiguous-path: it holds a dot segment';
const EMPTY = '400 ambiguous-path: it holds an empty segment';
const SLASH = '400 ambiguous-path: it holds an encoded slash';
const BACKSLASH = '400 ambiguous-path: it holds a backslash';
const CONTROL = '400 ambiguous-path: it holds an encoded control character';
const PARAMETERS = '400 ambiguous-path: it holds a dot segment with parameters';
const OVERLONG = '400 ambiguous-path: it holds an overlong encoding';
const BROKEN = '400 ambiguous-path: a percent sign is not followed by two hexadecimal digits';

describe.each<[path: string, refusedOrKept: string, normalised: string]>([
  ['/', '/', '/'],
  ['/a/b', '/a/b', '/a/b'],
  ['/a/b/', '/a/b/', '/a/b/'],
  ['/.well-known/x', '/.well-known/x', '/.well-known/x'],
  ['/a...b/...', '/a...b/...', '/a...b/...'],
  ['/a..', '/a..', '/a..'],
  ['/%20caf%c3%A9', '/%20caf%c3%A9', '/%20caf%c3%A9'],
  ['/%61%7Eb', '/a~b', '/a~b'],
  ['/a%2eb', '/a.b', '/a.b'],
  ['/%61dmin/%2D%5F', '/admin/-_', '/admin/-_'],
  ['/a;b=c/..d;', '/a;b=c/..d;', '/a;b=c/..d;'],
  ['/a/..;/b', PARAMETERS, PARAMETERS],
  ['/a/.;x=y/b', PARAMETERS, PARAMETERS],
  ['/a/..;', PARAMETERS, PARAMETERS],
  ['/a/%2e.;x', PARAMETERS, PARAMETERS],
  ['/a/..%3B/b', PARAMETERS, PARAMETERS],
  ['/a/..%c0%afb', OVERLONG, OVERLONG],
  ['/a/%C0%ae%c0%AE/b', OVERLONG, OVERLONG],
  ['/a%e0%80%af', OVERLONG, OVERLONG],
  ['/a%c1%9c', OVERLONG, OVERLONG],
  ['/%c3%a0%e0%a4%85%F0%9f%98%80', '/%c3%a0%e0%a4%85%F0%9f%98%80', '/%c3%a0%e0%a4%85%F0%9f%98%80'],
  ['/.', DOTS, '/'],
  ['/..', DOTS, '/'],
  ['/a/..', DOTS, '/'],
  ['/a/./b', DOTS, '/a/b'],
  ['/a/../b', DOTS, '/b'],
  ['/a/b/..', DOTS, '/a/'],
  ['/a/b/.', DOTS, '/a/b/'],
  ['/../../a', DOTS, '/a'],
  ['/a/%2e%2E/b', DOTS, '/b'],
  ['/a/.%2e/b', DOTS, '/b'],
  ['/a/%2e', DOTS, '/a/'],
  ['//', EMPTY, '/'],
  ['//a', EMPTY, '/a'],
  ['/a//b///', EMPTY, '/a/b/'],
  ['/a//../b', DOTS, '/b'],
  ['/a%2fb', SLASH, SLASH],
  ['/a/..%2F..%2fetc', SLASH, SLASH],
  ['/a\\b', BACKSLASH, BACKSLASH],
  ['/..\\', BACKSLASH, BACKSLASH],
  ['/a%5Cb', BACKSLASH, BACKSLASH],
  ['/a%00', CONTROL, CONTROL],
  ['/a%0d%0a', CONTROL, CONTROL],
  ['/a%7f', CONTROL, CONTROL],
  ['/a%', BROKEN, BROKEN],
  ['/a%2', BROKEN, BROKEN],
  ['/%zz', BROKEN, BROKEN],
  ['/%%32%65', BROKEN, BROKEN],
  ['/a/%252e%252e/b', '/a/%252e%252e/b', '/a/%252e%252e/b'],
  ['/a%23%3f', '/a%23%3f', '/a%23%3f'],
])('%s', (path, kept, normalised) => {
  it('is refused or kept', () => expect(result(path, false)).toBe(kept));
  it('is refused or normalised, to what is not changed again', () => {
    const once = result(path, true);
    expect(once).toBe(normalised);
    if (once.startsWith('/')) expect([result(once, true), result(once, false)]).toEqual([once, once]);
  });
});

it('leaves nothing to resolve in any path made of awkward parts', () => {
  const parts = ['/', '.', '%2e', '%2E', 'a', '%61', '%25', '%c3', '-', '~'];
  let state = 12_345;
  const next = (): string => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return parts[(state >> 8) % parts.length] as string;
  };
  for (let round = 0; round < 5000; round++) {
    const path = `/${Array.from({ length: 1 + (round % 9) }, next).join('')}`;
    const clean = result(path, true);
    expect(clean, path).toMatch(/^\/(?!\/)/);
    expect(result(clean, false), path).toBe(clean);
    expect(clean.split('/').slice(1, -1), path).not.toContain('');
  }
});
