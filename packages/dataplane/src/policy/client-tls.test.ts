import { expect, test } from 'vitest';
import type { ClientTls } from '../engine/tls-info.js';
import { tlsRefusal } from './client-tls.js';
import { refuse } from './refusal.js';

const TLS: ClientTls = {
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  serverName: 'a.example.com',
  alpn: '',
  verified: false,
  certificateError: '',
  subject: '',
};
const open = { certificates: ['1'], minVersion: '1.2', ciphers: [], clientAuth: null } as const;
const asking = { ...open, clientAuth: { policy: 'ns/p', authority: '1' } } as const;
const listeners = [{ tls: open }, { tls: asking }, { tls: null }];
const code = (tls: Partial<ClientTls>, ofName: number, ofHost: number) =>
  tlsRefusal({ ...TLS, ...tls }, ofName, ofHost, (index) => listeners[index])?.code;

test('a request for the listener of its server name passes', () => {
  expect(code({}, 0, 0)).toBeUndefined();
  expect(code({ verified: true, subject: 'CN=client' }, 1, 1)).toBeUndefined();
});

test('a Host of another listener, or of none, is misdirected', () => {
  expect(code({}, 0, 1)).toBe('misdirected');
  expect(code({ verified: true }, 1, 0)).toBe('misdirected');
  expect(tlsRefusal(TLS, 0, refuse('no-route'), () => listeners[0])?.code).toBe('misdirected');
  expect(tlsRefusal(TLS, refuse('no-route'), refuse('no-route'), () => listeners[0])?.code).toBe('misdirected');
});

test('a connection from before its listener asked for certificates, or had TLS, is misdirected', () => {
  expect(code({}, 1, 1)).toBe('misdirected');
  expect(code({}, 2, 2)).toBe('misdirected');
});

test('a connection whose client was verified by an authority of before is misdirected', () => {
  expect(code({ verified: true, verifiedBy: '1' }, 1, 1)).toBeUndefined();
  expect(code({ verified: true, verifiedBy: '0' }, 1, 1)).toBe('misdirected');
  expect(code({ verifiedBy: '0' }, 0, 0)).toBeUndefined();
});

test('a certificate that is not good is refused with the reason, and whose it is for the log', () => {
  const refusal = tlsRefusal(
    { ...TLS, certificateError: 'certificate has expired', subject: 'CN=c' },
    1,
    1,
    () => listeners[1],
  );
  expect(refusal).toMatchObject({ code: 'client-certificate', detail: 'certificate has expired', reason: 'CN=c' });
});
