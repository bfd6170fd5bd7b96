import type { ListenerInfo } from '@sluice/shared/snapshot/snapshot';
import type { BackendTlsSnapshot, CertificateMaterial } from '@sluice/shared/snapshot/tls';
import { expect, test } from 'vitest';
import type { TlsClientOptions, TlsServerOptions } from '../engine/tls-binding.js';
import { type TlsConfiguration, TlsContexts } from './tls-contexts.js';

const CERTIFICATE: CertificateMaterial = {
  id: 'a',
  names: ['a.example.com'],
  keyType: 'ec',
  secret: 'ns/a',
  chain: 'chain a',
  key: 'key a',
  notAfterMs: 0,
};
const PORTS = [{ port: 443, listeners: [0] }];

/** A native module that notes what it is asked for. */
function noting(broken = '') {
  const made: (TlsServerOptions | TlsClientOptions)[] = [];
  const released: number[] = [];
  const make = (options: TlsServerOptions | TlsClientOptions): number => {
    if (JSON.stringify(options).includes(broken) && broken !== '') throw new Error('the private key cannot be read');
    return made.push(options);
  };
  const release = (context: number): void => {
    released.push(context);
  };
  return { made, released, tlsServerContext: make, tlsClientContext: make, tlsContextRelease: release };
}

function backend(changes: Partial<BackendTlsSnapshot> = {}): BackendTlsSnapshot {
  const named = { policy: 'ns/p', sni: 'b.example.com', subjectAltNames: ['b.example.com'] };
  return { ...named, authority: 'ca', clientCertificate: '', ...changes };
}

function configuration(
  changes: { ids?: readonly string[]; tls?: BackendTlsSnapshot | null; http2?: boolean } = {},
): TlsConfiguration {
  const { ids = ['a'], tls = null, http2 = false } = changes;
  const listenerTls = { certificates: ids, minVersion: '1.2', ciphers: ['X', 'Y'], clientAuth: null } as const;
  const info = { name: 'https', gateway: 'ns/g', port: 443, hostname: '', protocol: 'HTTPS', http2, tls: listenerTls };
  return {
    listener: () => info as unknown as ListenerInfo,
    services: [
      { name: 'ns/plain/80', tls: null },
      { name: 'ns/b/443', tls },
    ],
    material: {
      certificates: [CERTIFICATE, { ...CERTIFICATE, id: 'b', chain: 'chain b' }],
      authorities: [{ id: 'ca', certificates: 'PEM of ca' }],
    },
  };
}

test('listeners get their certificates, services that ask for TLS a context', () => {
  const native = noting();
  const change = new TlsContexts(native).prepare(configuration({ tls: backend() }), PORTS);
  expect(change.names(PORTS[0] as (typeof PORTS)[0])).toEqual([{ pattern: '', context: 1 }]);
  expect(change.backends).toEqual([[1, 2]]);
  expect(native.made).toEqual([
    expect.objectContaining({ certificates: [{ chain: 'chain a', key: 'key a' }], ciphers: 'X:Y', clientCa: '' }),
    expect.objectContaining({ verify: true, ca: 'PEM of ca', names: ['b.example.com'], certificate: null }),
  ]);
});

test('HTTP/2 is offered where the listener speaks it', () => {
  const native = noting();
  const contexts = new TlsContexts(native);
  contexts.prepare(configuration(), PORTS);
  contexts.prepare(configuration({ http2: true }), PORTS);
  expect(native.made).toEqual([
    expect.objectContaining({ alpn: ['http/1.1'] }),
    expect.objectContaining({ alpn: ['h2', 'http/1.1'] }),
  ]);
});

test('the system’s authorities are a PEM of many; a policy without verification says so and names nothing', () => {
  const native = noting();
  const contexts = new TlsContexts(native);
  contexts.prepare(configuration({ tls: backend({ authority: 'system' }) }), PORTS);
  contexts.prepare(configuration({ tls: backend({ authority: 'none', subjectAltNames: [] }) }), PORTS);
  const [, system, none] = native.made.filter((options) => 'ca' in options || 'clientCa' in options);
  expect((system as TlsClientOptions).ca.split('BEGIN CERTIFICATE').length).toBeGreaterThan(100);
  expect(native.made.at(-1)).toMatchObject({ verify: false, ca: '', names: [] });
  expect(none).toBeDefined();
});

test('equal content is one context over configurations, and a new certificate another', () => {
  const native = noting();
  const contexts = new TlsContexts(native);
  contexts.commit(contexts.prepare(configuration(), PORTS));
  contexts.commit(contexts.prepare(configuration(), PORTS));
  expect(native.made).toHaveLength(1);
  contexts.commit(contexts.prepare(configuration({ ids: ['b'] }), PORTS));
  expect(native.made).toHaveLength(2);
});

test('what is left out is let go with the configuration after, or never when it comes back', () => {
  const native = noting();
  const contexts = new TlsContexts(native);
  contexts.commit(contexts.prepare(configuration({ ids: ['a'] }), PORTS));
  contexts.commit(contexts.prepare(configuration({ ids: ['b'] }), PORTS));
  expect(native.released).toEqual([]);
  contexts.commit(contexts.prepare(configuration({ ids: ['b'], tls: backend() }), PORTS));
  expect(native.released).toEqual([1]);
  contexts.commit(contexts.prepare(configuration({ ids: ['b'] }), PORTS));
  contexts.commit(contexts.prepare(configuration({ ids: ['b'], tls: backend() }), PORTS));
  expect(native.released).toEqual([1]);
});

test('a configuration that cannot be leaves nothing behind, and says what is wrong with what', () => {
  const native = noting('chain b');
  const contexts = new TlsContexts(native);
  contexts.commit(contexts.prepare(configuration(), PORTS));
  const broken = configuration({ tls: backend({ clientCertificate: 'b' }), ids: ['a'] });
  const words = 'sluice: BackendTLSPolicy ns/p of service ns/b/443: the private key cannot be read';
  expect(() => contexts.prepare(broken, PORTS)).toThrow(words);
  expect(native.released).toEqual([]);
  contexts.abandon(contexts.prepare(configuration({ tls: backend() }), PORTS));
  expect(native.released).toEqual([2]);
});
