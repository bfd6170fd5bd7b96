/**
 * One Secret or ConfigMap as a certificate or an authority: from its values, or from the files that it names.
 *
 * What is wrong is said of the key, or of the file by its path. Pure but for warnings of what can be used all the same.
 */
import { ANNOTATIONS } from '../resources/annotations.js';
import type { ConfigPath } from '../resources/path.js';
import { type ConfigMap, issueAt, resourceName, type Secret } from '../resources/resource.js';
import { configMapValue, FILE_KEYS, type FileField, type SecretFile, secretValue } from '../resources/secret.js';
import type { CompileContext } from './context.js';
import { CredentialFault } from './credential-fault.js';
import { type Reading, readAuthority, readCertificate } from './material.js';
import type { AuthorityMaterial, CertificateMaterial } from './tls.js';

export type CredentialObject = Secret | ConfigMap;

/** A SEQUENCE of more than 127 bytes, the second of which is no UTF-8. */
const DER = /^0[\uFFFD]/;
const DER_HINT = 'it seems to be DER: `openssl x509 -inform der` (for keys: pkey) writes it as PEM';

interface Part {
  readonly text: string;
  /** What messages call it: the key, or the file that it was read from. */
  readonly name: string;
  readonly path: ConfigPath;
  readonly file: SecretFile | null;
}

export function certificateIn(
  object: CredentialObject,
  context: CompileContext,
): CertificateMaterial | CredentialFault {
  const chain = partOf(object, 'certificateFile');
  if (chain instanceof CredentialFault) return chain;
  const key = partOf(object, 'keyFile');
  if (key instanceof CredentialFault) return key;
  const names = { chain: chain.name, key: key.name };
  const reading = readCertificate(resourceName(object), chain.text, key.text, context.nowMs, names);
  if (key.file?.forEverybody === true) {
    const message = `${key.name} is a private key that every user of this machine may read`;
    context.issues.push(issueAt(object, 'warning', key.path, message, `chmod o-r ${key.name}`));
  }
  return taken(object, [chain, key], reading, context);
}

export function authorityIn(object: CredentialObject, context: CompileContext): AuthorityMaterial | CredentialFault {
  const value = partOf(object, 'caFile');
  if (value instanceof CredentialFault) return value;
  const reading = readAuthority(value.text, context.nowMs);
  return taken(object, [value], typeof reading === 'string' ? `${value.name} ${reading}` : reading, context);
}

function taken<Material>(
  object: CredentialObject,
  values: readonly [Part, ...Part[]],
  reading: Reading<Material>,
  { issues }: CompileContext,
): Material | CredentialFault {
  const [first] = values;
  if (typeof reading === 'string') {
    const part = values.find(({ name }) => reading.startsWith(`${name} `)) ?? first;
    return unusable(object, part, reading, DER.test(part.text) ? DER_HINT : '');
  }
  for (const warning of reading.warnings) issues.push(issueAt(object, 'warning', first.path, warning, '', 'key'));
  return reading.material;
}

/** What is wrong with a file is for the place too where it is named. */
function unusable(
  object: CredentialObject,
  { file, path }: Pick<Part, 'file' | 'path'>,
  what: string,
  hint = '',
): CredentialFault {
  const message = `${object.kind} ${resourceName(object)}: ${what}`;
  if (file === null) return new CredentialFault('InvalidCertificateRef', message, hint);
  return new CredentialFault('InvalidCertificateRef', message, '', issueAt(object, 'warning', path, what, hint));
}

function partOf(object: CredentialObject, field: FileField): Part | CredentialFault {
  const [key, { spec }] = [FILE_KEYS[field], object];
  const file = 'files' in spec ? (spec.files?.[field] ?? null) : null;
  if (file !== null) {
    const path = ['metadata', 'annotations', ANNOTATIONS.Secret[field].key];
    if (file.fault !== '') return unusable(object, { file, path }, `${file.path} ${file.fault}`, file.hint);
    return { text: file.text, name: file.path, path, file };
  }
  const value = 'stringData' in spec ? secretValue(spec, key) : configMapValue(spec, key);
  if (value === undefined) return lacking(object, field);
  const path = ['stringData' in spec && Object.hasOwn(spec.stringData, key) ? 'stringData' : 'data', key];
  return { text: value.toString('utf8'), name: key, path, file: null };
}

function lacking(object: CredentialObject, field: FileField): CredentialFault {
  const message = `${object.kind} ${resourceName(object)} has no ${FILE_KEYS[field]}`;
  const hint =
    object.kind === 'Secret'
      ? `put it, as PEM, under data (base64) or stringData, or name its file: ${ANNOTATIONS.Secret[field].key}`
      : 'put it, as PEM, under data';
  return new CredentialFault('InvalidCertificateRef', message, hint);
}
