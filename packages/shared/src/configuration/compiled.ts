/**
 * What comes of compiling a configuration: what a process runs by, or why it goes on with what it has.
 *
 * Made in the compiler's thread and posted as it is: what is large is shared memory or one string, so that a swap stalls
 * nobody. Plain data.
 */
import type { FileSignature } from '../resources/file-signature.js';
import type { ConfigIssue } from '../resources/issue.js';
import type { TlsMaterial } from '../snapshot/tls.js';

interface Outcome {
  /** The files that Secrets name, as they were read. */
  readonly files: readonly FileSignature[];
  /** How long reading and compiling took. */
  readonly elapsedMs: number;
}

/** A configuration without an error. */
export interface CompiledConfiguration extends Outcome {
  readonly type: 'compiled';
  /** Digest of all that it says: equal configuration has an equal version. */
  readonly version: string;
  /** For `openSnapshot`. */
  readonly snapshot: SharedArrayBuffer;
  readonly material: TlsMaterial;
  /** Which Secrets and ConfigMaps it is of: CredentialReadings. */
  readonly credentials: readonly string[];
  /** For a health daemon: `decodeProbedServices`. */
  readonly probedServices: string;
  /** What becomes of connections whose route or listener is removed later: `decodeRemovals`. */
  readonly removals: string;
  /** JSON of `ResourceStatus[]`. */
  readonly statuses: string;
  /** Warnings. */
  readonly issues: readonly ConfigIssue[];
}

/** It says what the last one said. Its warnings and statuses may differ. */
export interface UnchangedConfiguration extends Outcome {
  readonly type: 'unchanged';
  readonly version: string;
  /** JSON of `ResourceStatus[]`. */
  readonly statuses: string;
  readonly issues: readonly ConfigIssue[];
}

/** It has errors: nothing is to change. */
export interface RefusedConfiguration extends Outcome {
  readonly type: 'refused';
  /** Errors and warnings, in the order of their places. */
  readonly issues: readonly ConfigIssue[];
}

export type CompileOutcome = CompiledConfiguration | UnchangedConfiguration | RefusedConfiguration;

/** Compiles the configuration of a process, one compilation at a time, in a thread of its own. */
export interface ConfigurationCompiler {
  /** Reads everything anew. Rejects only when the thread cannot be run; a second call waits for the first. */
  compile(): Promise<CompileOutcome>;
  /** Idempotent. */
  close(): Promise<void>;
}
