/**
 * The TLS of an HTTPS listener: its certificates and who must show one.
 *
 * Pure but for what it says and the material that it collects.
 */
import { issueAt } from '../resources/resource.js';
import type { CompileContext } from './context.js';
import type { Listener } from './listeners.js';
import type { ListenerTlsSnapshot } from './tls.js';

/** null: the listener cannot be served, and a condition of it and an issue say why. */
export function compileListenerTls(listener: Listener, context: CompileContext): ListenerTlsSnapshot | null {
  const { gateway, spec, path } = listener;
  const message = 'certificates are not read yet';
  context.book.listener(gateway, spec.name, {
    type: 'ResolvedRefs',
    status: 'False',
    reason: 'InvalidCertificateRef',
    message,
  });
  context.issues.push(issueAt(gateway, 'warning', [...path, 'tls'], message));
  return null;
}
