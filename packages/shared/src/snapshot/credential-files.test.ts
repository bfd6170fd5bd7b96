import { expect, test } from 'vitest';
import type { SecretFile } from '../resources/secret.js';
import { CA, EC, ENCRYPTED_KEY, RSA } from '../testing/certificates.js';
import { documents, gateway, marked, parse, route, service } from '../testing/manifests.js';
import { listenerConditions } from '../testing/statuses.js';
import { albBackendTls, backendTls, frontendTls, saidOf } from '../testing/tls-manifests.js';
import { compileSnapshot } from './compile.js';

type Files = Readonly<Record<string, Partial<SecretFile>>>;

const PLAIN = 'name: http, port: 80, protocol: HTTP';
const HTTPS = 'name: https, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: web }] }';
const NAMES: Readonly<Record<string, string>> = {
  'certificate-file': 'certificateFile',
  'key-file': 'keyFile',
  'ca-file': 'caFile',
};

function secret(name: string, ...annotations: string[]): string {
  const named = annotations.map((each) => `sluice.dev/${each}: /c/${each}`).join(', ');
  return `apiVersion: v1\nkind: Secret\nmetadata: { name: ${name}, annotations: { ${named} } }\n`;
}
const WEB = secret('web', 'certificate-file', 'key-file');

/** Compiles with these files, by annotation. */
function compile(files: Files, texts: readonly string[], forProbes = false) {
  const { resources, issues } = parse(documents(...texts));
  expect(issues).toEqual([]);
  const whole = Object.entries(files).map(([name, file]) => {
    const path = `/c/${name}`;
    return [NAMES[name], { path, text: '', fault: '', hint: '', forEverybody: false, ...file }] as const;
  });
  const secrets = resources.secrets.map((each) => {
    const own = whole.filter(([field]) => field !== undefined && field in each.annotations);
    return { ...each, spec: { ...each.spec, files: Object.fromEntries(own) } };
  });
  return compileSnapshot({ ...resources, secrets }, forProbes);
}

const good: Files = { 'certificate-file': { text: RSA.chain }, 'key-file': { text: RSA.key } };
const beside = gateway({ listeners: [PLAIN, HTTPS] });

test('a certificate from files is as one in the Secret, whatever its type', () => {
  const result = compile(good, [beside, WEB]);
  expect(saidOf(result)).toEqual([]);
  expect(result.material.certificates).toMatchObject([{ secret: 'default/web', chain: RSA.chain, key: RSA.key }]);
  expect([...result.readings.good]).toEqual(['certificate of Secret default/web']);
  expect(result.readings.bad.size).toBe(0);
});

test.each<[string, string, Partial<SecretFile>, string]>([
  ['not there', 'certificate-file', { fault: 'does not exist' }, '/c/certificate-file does not exist'],
  ['not for us', 'key-file', { fault: 'may not be read by this user' }, '/c/key-file may not be read by this user'],
  [
    'no PEM',
    'certificate-file',
    { text: 'x' },
    '/c/certificate-file holds no certificate (PEM, "-----BEGIN CERTIFICATE-----")',
  ],
  ['no key', 'key-file', { text: RSA.chain }, '/c/key-file is not a private key (PEM, "-----BEGIN PRIVATE KEY-----")'],
  ['another key', 'key-file', { text: EC.key }, '/c/key-file is not the key of the certificate in /c/certificate-file'],
  [
    'encrypted',
    'key-file',
    { text: ENCRYPTED_KEY },
    '/c/key-file is encrypted: nobody could give its password, so store it without one',
  ],
])('a file that is %s: said where it is named, and the listener has the condition', (_what, annotation, file, said) => {
  const { text, line, column } = marked(documents(beside, WEB.replace(`: /c/${annotation}`, `: §/c/${annotation}`)));
  const result = compile({ ...good, [annotation]: file }, [text]);
  const path = `metadata.annotations["sluice.dev/${annotation}"]`;
  expect(result.issues).toMatchObject([
    { severity: 'warning', message: 'the listener is not served: it has no certificate' },
    { severity: 'warning', message: `Secret default/web: ${said}` },
    { severity: 'warning', path, line, column, message: said },
  ]);
  expect(listenerConditions(result, 'main', 'https')).toContain('ResolvedRefs False InvalidCertificateRef');
  expect([...result.readings.bad.keys()]).toEqual(['certificate of Secret default/web']);
});

test('a certificate in DER says how it becomes PEM', () => {
  const [, base64 = ''] = /-\n(.*?)-----END/s.exec(RSA.chain) ?? [];
  const der = Buffer.from(base64, 'base64').toString('utf8');
  const [issue] = compile({ ...good, 'certificate-file': { text: der } }, [beside, WEB]).readings.bad.values();
  expect(issue?.hint).toContain('openssl x509 -inform der');
});

test('a certificate without a key-file says which annotation there is', () => {
  const { issues } = compile(good, [beside, secret('web', 'certificate-file')]);
  const hint = expect.stringContaining('sluice.dev/key-file');
  expect(issues[1]).toMatchObject({ message: 'Secret default/web has no tls.key', hint });
});

test('a key that everybody may read is a warning, and is shown', () => {
  const result = compile({ ...good, 'key-file': { text: RSA.key, forEverybody: true } }, [beside, WEB]);
  expect(saidOf(result)).toEqual([
    'warning metadata.annotations["sluice.dev/key-file"]: /c/key-file is a private key that every user of this machine may read',
  ]);
  expect(result.material.certificates).toHaveLength(1);
});

const VERIFY = frontendTls('default: { verify: { caCertificateRef: { name: authority } } }');
const AUTHORITY = secret('authority', 'ca-file');

test('authorities of clients and of backends, and certificates that backends are shown', () => {
  const chat = [service('chat'), route({ rules: ['backendRefs: [{ name: chat, port: 80 }]'] })];
  const alb = albBackendTls(
    'default: { clientCertificateRef: { name: web }, verify: { caCertificateRef: { name: authority }, subjectAltName: a.b } }',
  );
  const standard = backendTls('hostname: a.b, caCertificateRefs: [{ group: "", kind: Secret, name: authority }]');
  for (const policy of [alb, standard]) {
    const files = { ...good, 'ca-file': { text: CA } };
    const result = compile(files, [beside, WEB, AUTHORITY, VERIFY, ...chat, policy]);
    expect(saidOf(result)).toEqual([]);
    expect(result.material.authorities).toMatchObject([{ certificates: CA }]);
    const lost = compile({ ...files, 'ca-file': { fault: 'is empty' } }, [
      beside,
      WEB,
      AUTHORITY,
      VERIFY,
      ...chat,
      policy,
    ]);
    expect([...lost.readings.bad.keys()]).toEqual(['authority of Secret default/authority']);
    expect(saidOf(lost).filter((said) => said.includes('"sluice.dev/ca-file"'))).toHaveLength(1);
  }
});

test('a health daemon does not need the files of listeners, but those of backends', () => {
  const chat = [service('chat'), route({ rules: ['backendRefs: [{ name: chat, port: 80 }]'] })];
  const nowhere = { 'certificate-file': { fault: 'does not exist' }, 'key-file': { fault: 'does not exist' } };
  const only = gateway({ listeners: [HTTPS] });
  const files = { ...nowhere, 'ca-file': { fault: 'does not exist' } };
  const result = compile(files, [only, WEB, AUTHORITY, VERIFY, ...chat], true);
  expect(saidOf(result)).toEqual([]);
  expect(result.readings.bad.size).toBe(0);
  expect(result.snapshot.services).toHaveLength(1);
  const standard = backendTls('hostname: a.b, caCertificateRefs: [{ group: "", kind: Secret, name: authority }]');
  const verified = compile(files, [only, WEB, AUTHORITY, VERIFY, ...chat, standard], true);
  expect([...verified.readings.bad.keys()]).toEqual(['authority of Secret default/authority']);
});
