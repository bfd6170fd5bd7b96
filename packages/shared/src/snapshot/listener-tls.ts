/**
 * The TLS of an HTTPS listener: its certificates and who must show one.
 *
 * Pure but for what it says and the material that it collects.
 */
import { issueAt } from '../resources/resource.js';
import type { CompileContext } from './context.js';
import type { Listener } from './listeners.js';
import type { ListenerTlsSnapshot } from './tls.js';

export interface ListenerTlsIndex {
  /** null: the listener cannot be served, and a condition of it and an issue say why. */
  of(listener: Listener): ListenerTlsSnapshot | null;
}

/** Reads all FrontendTLSPolicies. */
export function indexListenerTls(context: CompileContext): ListenerTlsIndex {
  return {
    of({ gateway, spec, path }) {
      const message = 'certificates are not read yet';
      const condition = { type: 'ResolvedRefs', status: 'False', reason: 'InvalidCertificateRef', message } as const;
      context.book.listener(gateway, spec.name, condition);
      context.issues.push(issueAt(gateway, 'warning', [...path, 'tls'], message));
      return null;
    },
  };
}
