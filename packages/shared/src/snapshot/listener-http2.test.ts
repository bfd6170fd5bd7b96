import { expect, test } from 'vitest';
import { http2Of } from './listener-http2.js';

const NONE = { http2: false, websocketOverHttp2: false };
const BOTH = { http2: true, websocketOverHttp2: true };

test('an HTTPS listener speaks HTTP/2 unless its Gateway says no', () => {
  expect(http2Of({ annotations: {} }, true)).toEqual(BOTH);
  expect(http2Of({ annotations: { http2: 'on', h2c: 'off' } }, true)).toEqual(BOTH);
  expect(http2Of({ annotations: { http2: 'off', h2c: 'on' } }, true)).toEqual(NONE);
});

test('an HTTP listener does only when its Gateway says so', () => {
  expect(http2Of({ annotations: {} }, false)).toEqual(NONE);
  expect(http2Of({ annotations: { http2: 'on' } }, false)).toEqual(NONE);
  expect(http2Of({ annotations: { http2: 'off', h2c: 'on' } }, false)).toEqual(BOTH);
});

test('WebSockets over it can be left out', () => {
  const annotations = { websocketOverHttp2: 'off', h2c: 'on' } as const;
  expect(http2Of({ annotations }, true)).toEqual({ http2: true, websocketOverHttp2: false });
  expect(http2Of({ annotations }, false)).toEqual({ http2: true, websocketOverHttp2: false });
});
