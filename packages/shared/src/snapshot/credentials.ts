/**
 * Secrets and ConfigMaps as certificates and authorities: what a reference in a Gateway or a policy leads to.
 *
 * Each object is read once, whatever the number of references; what is odd about it (it has expired) is a warning at the
 * object, what is wrong the answer to everybody who refers to it. Lives for one compilation.
 */
import type { ConfigPath } from '../resources/path.js';
import { type ConfigMap, issueAt, type Resource, resourceName, type Secret } from '../resources/resource.js';
import { configMapValue, secretValue } from '../resources/secret.js';
import { absent } from './absence.js';
import type { CompileContext } from './context.js';
import { type GrantSource, notPermitted } from './grants.js';
import { type Reading, readAuthority, readCertificate } from './material.js';
import type { AuthorityMaterial, CertificateMaterial } from './tls.js';

const CERTIFICATE_KEY = 'tls.crt';
const PRIVATE_KEY = 'tls.key';
const AUTHORITY_KEY = 'ca.crt';

export interface CredentialRef {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string | undefined;
}

/** Why a reference leads to nothing that can be used. */
export class CredentialFault {
  constructor(
    readonly reason: 'InvalidCertificateRef' | 'InvalidKind' | 'RefNotPermitted',
    readonly message: string,
    readonly hint = '',
  ) {}
}

export interface Credentials {
  /** A chain and its key, of a Secret. */
  certificate(from: GrantSource, ref: CredentialRef): CertificateMaterial | CredentialFault;
  /** Certificates to verify against, under `ca.crt`. `kinds`: of what kind the object may be. */
  authority(from: GrantSource, ref: CredentialRef, kinds?: readonly Kind[]): AuthorityMaterial | CredentialFault;
}

type Kind = 'Secret' | 'ConfigMap';

export function createCredentials(context: CompileContext): Credentials {
  const { resources, grants } = context;
  const objects: Record<Kind, ReadonlyMap<string, Secret | ConfigMap>> = {
    Secret: new Map(resources.secrets.map((secret) => [resourceName(secret), secret])),
    ConfigMap: new Map(resources.configMaps.map((configMap) => [resourceName(configMap), configMap])),
  };
  const certificates = new Map<Resource<unknown>, CertificateMaterial | CredentialFault>();
  const authorities = new Map<Resource<unknown>, AuthorityMaterial | CredentialFault>();
  const find = (from: GrantSource, ref: CredentialRef, kinds: readonly Kind[]) => {
    const kind = kinds.find((each) => ref.group === '' && ref.kind === each);
    if (kind === undefined) {
      const what = ref.group === '' ? ref.kind : `${ref.kind} of ${ref.group}`;
      return new CredentialFault(
        'InvalidKind',
        `a ${what} holds no certificates`,
        `refer to a ${kinds.join(' or a ')}`,
      );
    }
    const target = { group: '', kind, namespace: ref.namespace ?? from.namespace, name: ref.name };
    if (!grants.allow(from, target)) {
      const { message, hint } = notPermitted(from, target);
      return new CredentialFault('RefNotPermitted', message, hint);
    }
    const found = objects[kind].get(resourceName(target));
    return found ?? new CredentialFault('InvalidCertificateRef', absent(kind, resourceName(target)));
  };
  return {
    certificate(from, ref) {
      const found = find(from, ref, ['Secret']);
      if (found instanceof CredentialFault) return found;
      return once(certificates, found, () => certificateOf(found, context));
    },
    authority(from, ref, kinds = ['Secret']) {
      const found = find(from, ref, kinds);
      if (found instanceof CredentialFault) return found;
      return once(authorities, found, () => authorityOf(found, context));
    },
  };
}

function once<Value>(known: Map<Resource<unknown>, Value>, object: Resource<unknown>, read: () => Value): Value {
  const value = known.get(object) ?? read();
  known.set(object, value);
  return value;
}

function certificateOf(object: Secret | ConfigMap, context: CompileContext): CertificateMaterial | CredentialFault {
  const chain = textOf(object, CERTIFICATE_KEY);
  const key = textOf(object, PRIVATE_KEY);
  if (chain === undefined || key === undefined)
    return lacking(object, chain === undefined ? CERTIFICATE_KEY : PRIVATE_KEY);
  return taken(object, CERTIFICATE_KEY, readCertificate(resourceName(object), chain, key, context.nowMs), context);
}

function authorityOf(object: Secret | ConfigMap, context: CompileContext): AuthorityMaterial | CredentialFault {
  const pem = textOf(object, AUTHORITY_KEY);
  if (pem === undefined) return lacking(object, AUTHORITY_KEY);
  const reading = readAuthority(pem, context.nowMs);
  const named = typeof reading === 'string' ? `${AUTHORITY_KEY} ${reading}` : reading;
  return taken(object, AUTHORITY_KEY, named, context);
}

function taken<Material>(
  object: Secret | ConfigMap,
  key: string,
  reading: Reading<Material>,
  { issues }: CompileContext,
): Material | CredentialFault {
  if (typeof reading === 'string') {
    return new CredentialFault('InvalidCertificateRef', `${object.kind} ${resourceName(object)}: ${reading}`);
  }
  const path = pathOf(object, key);
  for (const warning of reading.warnings) issues.push(issueAt(object, 'warning', path, warning, '', 'key'));
  return reading.material;
}

function lacking(object: Secret | ConfigMap, key: string): CredentialFault {
  const message = `${object.kind} ${resourceName(object)} has no ${key}`;
  const hint =
    object.kind === 'Secret' ? 'put it, as PEM, under data (base64) or stringData' : 'put it, as PEM, under data';
  return new CredentialFault('InvalidCertificateRef', message, hint);
}

function textOf({ spec }: Secret | ConfigMap, key: string): string | undefined {
  const value = 'stringData' in spec ? secretValue(spec, key) : configMapValue(spec, key);
  return value?.toString('utf8');
}

function pathOf({ spec }: Secret | ConfigMap, key: string): ConfigPath {
  return ['stringData' in spec && Object.hasOwn(spec.stringData, key) ? 'stringData' : 'data', key];
}
