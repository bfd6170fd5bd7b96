/**
 * What every step of a compilation has at hand: the resources, what may refer to what, and where to say what is wrong.
 *
 * Lives for one compilation; issues, conditions and material are filled by the steps.
 */
import type { ConfigIssue } from '../resources/issue.js';
import type { ResourceSet } from '../resources/resource.js';
import type { Grants } from './grants.js';
import type { StatusBook } from './status.js';
import type { AuthorityMaterial, CertificateMaterial } from './tls.js';

export interface CompileContext {
  readonly resources: ResourceSet;
  readonly grants: Grants;
  readonly book: StatusBook;
  readonly issues: ConfigIssue[];
  /** By id; what the snapshot names of it. */
  readonly certificates: Map<string, CertificateMaterial>;
  readonly authorities: Map<string, AuthorityMaterial>;
}
