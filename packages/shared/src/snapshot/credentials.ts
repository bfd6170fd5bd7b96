/**
 * Secrets and ConfigMaps as certificates and authorities: what a reference in a Gateway or a policy leads to.
 *
 * Each object is read once, whatever the number of references; what is odd about it (it has expired) is a warning at the
 * object, what is wrong the answer to everybody who refers to it. Lives for one compilation.
 */
import type { ConfigMap, Secret } from '../resources/resource.js';
import { issueAt, resourceName } from '../resources/resource.js';
import { absent } from './absence.js';
import type { CompileContext } from './context.js';
import { CredentialFault, isElsewhere } from './credential-fault.js';
import { authorityIn, type CredentialObject, certificateIn } from './credential-values.js';
import { type GrantSource, notPermitted } from './grants.js';
import type { AuthorityMaterial, CertificateMaterial } from './tls.js';

export interface CredentialRef {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string | undefined;
}

export interface Credentials {
  /** A chain and its key, of a Secret. */
  certificate(from: GrantSource, ref: CredentialRef): CertificateMaterial | CredentialFault;
  /** Certificates to verify against, under `ca.crt`. `kinds`: of what kind the object may be. */
  authority(from: GrantSource, ref: CredentialRef, kinds?: readonly Kind[]): AuthorityMaterial | CredentialFault;
}

type Kind = 'Secret' | 'ConfigMap';
/** They speak of listeners. */
const OF_LISTENERS = new Set(['Gateway', 'FrontendTLSPolicy']);

export function createCredentials(context: CompileContext): Credentials {
  const { resources, grants } = context;
  const objects: Record<Kind, ReadonlyMap<string, Secret | ConfigMap>> = {
    Secret: new Map(resources.secrets.map((secret) => [resourceName(secret), secret])),
    ConfigMap: new Map(resources.configMaps.map((configMap) => [resourceName(configMap), configMap])),
  };
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
  const certificates = createReader('certificate', certificateIn, context);
  const authorities = createReader('authority', authorityIn, context);
  return {
    certificate(from, ref) {
      const found = find(from, ref, ['Secret']);
      return found instanceof CredentialFault ? found : certificates(from, found);
    },
    authority(from, ref, kinds = ['Secret']) {
      const found = find(from, ref, kinds);
      return found instanceof CredentialFault ? found : authorities(from, found);
    },
  };
}

/** Reads each object once, and says of each file once what is wrong with it. */
function createReader<Material>(
  what: string,
  read: (object: CredentialObject, context: CompileContext) => Material | CredentialFault,
  context: CompileContext,
): (from: GrantSource, object: CredentialObject) => Material | CredentialFault {
  const known = new Map<CredentialObject, Material | CredentialFault>();
  const { bad, good } = context.readings;
  return (from, object) => {
    const result = known.get(object) ?? read(object, context);
    known.set(object, result);
    const name = `${what} of ${object.kind} ${resourceName(object)}`;
    if (!(result instanceof CredentialFault)) {
      good.add(name);
    } else if (!bad.has(name) && !(OF_LISTENERS.has(from.kind) && isElsewhere(result, context))) {
      bad.set(name, result.file ?? issueAt(object, 'warning', [], result.message, result.hint));
      if (result.file !== null) context.issues.push(result.file); // else who refers to it says so
    }
    return result;
  };
}
