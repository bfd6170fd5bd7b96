/** Why a reference to a certificate or an authority leads to nothing that can be used. Plain data. */
import type { ConfigIssue } from '../resources/issue.js';
import type { CompileContext } from './context.js';

export class CredentialFault {
  constructor(
    readonly reason: 'InvalidCertificateRef' | 'InvalidKind' | 'RefNotPermitted',
    readonly message: string,
    readonly hint = '',
    /** Of the file that is to blame, at the Secret that names it; null when none is. */
    readonly file: ConfigIssue | null = null,
  ) {}
}

/** Whether it is about a file of a listener, and a health daemon asks: such a file may be on other machines alone. */
export function isElsewhere({ file }: CredentialFault, { forProbes }: CompileContext): boolean {
  return forProbes && file !== null;
}
