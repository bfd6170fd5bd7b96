/**
 * What every step of a compilation has at hand: the resources, what may refer to what, and where to say what is wrong.
 *
 * Lives for one compilation; issues, conditions and material are filled by the steps.
 */
import type { ConfigIssue } from '../resources/issue.js';
import type { ResourceSet } from '../resources/resource.js';
import type { Grants } from './grants.js';
import type { MaterialBook } from './material.js';
import type { Namespaces } from './namespaces.js';
import type { StatusBook } from './status.js';

/** What became of the certificates and authorities that somebody refers to. Each is named by a text of its own. */
export interface CredentialReadings {
  /** Those that can be used. */
  readonly good: Set<string>;
  /** Those that cannot, though their object is there: what is wrong with it, or with a file that it names. */
  readonly bad: Map<string, ConfigIssue>;
}

export interface CompileContext {
  readonly resources: ResourceSet;
  readonly grants: Grants;
  readonly namespaces: Namespaces;
  readonly book: StatusBook;
  readonly issues: ConfigIssue[];
  /** The certificates and authorities that the snapshot names by id. */
  readonly material: MaterialBook;
  readonly readings: CredentialReadings;
  /** For a health daemon: certificates that listeners show are not its own, and their files may be on other machines. */
  readonly forProbes: boolean;
  /** Milliseconds since the epoch: what has expired is a warning, and changes nothing else. */
  readonly nowMs: number;
}
