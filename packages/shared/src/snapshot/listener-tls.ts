/**
 * The TLS of an HTTPS listener: its certificates, and what its FrontendTLSPolicy asks of clients.
 *
 * A certificateRef that leads to nothing is said (ListenerConditionResolvedRefs), and the listener is served with the rest;
 * with none left, or with a policy that cannot be honoured, it is not served at all. Pure but for what it says and for the
 * material of the listeners that are served.
 */
import type { ListenerTls } from '../resources/gateway.js';
import { issueAt } from '../resources/resource.js';
import type { CompileContext } from './context.js';
import { CredentialFault, isElsewhere } from './credential-fault.js';
import type { Credentials } from './credentials.js';
import type { FrontendTlsIndex } from './frontend-tls.js';
import type { Listener } from './listeners.js';
import type { CertificateMaterial, ListenerTlsSnapshot } from './tls.js';
import { DEFAULT_VERSIONS } from './tls-versions.js';

export interface ListenerTlsIndex {
  /** null: the listener cannot be served, and a condition of it and an issue say why. */
  of(listener: Listener): ListenerTlsSnapshot | null;
  /** Of one that is not served though its clients had to show a certificate; null for all others. */
  closed(listener: Listener): ListenerTlsSnapshot | null;
}

export function indexListenerTls(
  context: CompileContext,
  credentials: Credentials,
  policies: FrontendTlsIndex,
): ListenerTlsIndex {
  return {
    of(listener) {
      const { gateway, spec } = listener;
      if (spec.tls === undefined) return null;
      warnOfOptions(listener, spec.tls, context);
      const certificates = readCertificates(listener, spec.tls, credentials, context);
      const policy = policies.of(gateway, spec.name);
      if (policy !== undefined && policy.closed !== '') return close(listener, policy.closed, context);
      if (certificates === null) return close(listener, 'it has no certificate', context);
      const { authority = null, versions = DEFAULT_VERSIONS } = policy ?? {};
      const clientAuth =
        policy === undefined || authority === null
          ? null
          : { policy: policy.policy, authority: context.material.authority(authority) };
      const ids = certificates.map((certificate) => context.material.certificate(certificate));
      return { certificates: [...new Set(ids)], ...versions, clientAuth };
    },
    closed({ gateway, spec, protocol }) {
      const policy = protocol === 'HTTPS' ? policies.of(gateway, spec.name) : undefined;
      if (policy === undefined || (policy.authority === null && policy.closed === '')) return null;
      return { certificates: [], ...policy.versions, clientAuth: null };
    },
  };
}

function close({ gateway, spec, path }: Listener, why: string, { book, issues }: CompileContext): null {
  const message = `the listener is not served: ${why}`;
  book.listener(gateway, spec.name, { type: 'Programmed', status: 'False', reason: 'Invalid', message });
  issues.push(issueAt(gateway, 'warning', [...path, 'tls'], message));
  return null;
}

/** null: there is none. */
function readCertificates(
  { gateway, spec, path }: Listener,
  { certificateRefs }: ListenerTls,
  credentials: Credentials,
  context: CompileContext,
): CertificateMaterial[] | null {
  const { book, issues } = context;
  let elsewhere = false;
  const certificates = certificateRefs.flatMap((ref, index) => {
    const found = credentials.certificate(gateway, ref);
    if (!(found instanceof CredentialFault)) return [found];
    if (isElsewhere(found, context)) {
      elsewhere = true;
      return [];
    }
    // Of a listener's certificates the standard has no reason of its own for a wrong kind.
    const reason = found.reason === 'RefNotPermitted' ? found.reason : 'InvalidCertificateRef';
    const { message, hint } = found;
    book.listener(gateway, spec.name, { type: 'ResolvedRefs', status: 'False', reason, message });
    issues.push(issueAt(gateway, 'warning', [...path, 'tls', 'certificateRefs', index], message, hint));
    return [];
  });
  return certificates.length > 0 || elsewhere ? certificates : null;
}

/** Keys that other implementations have invented. */
function warnOfOptions({ gateway, path }: Listener, { options }: ListenerTls, { issues }: CompileContext): void {
  for (const key of Object.keys(options)) {
    const hint = 'versions and cipher suites are chosen by a FrontendTLSPolicy';
    issues.push(issueAt(gateway, 'warning', [...path, 'tls', 'options', key], 'is not read', hint));
  }
}
