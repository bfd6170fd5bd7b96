/**
 * What a BackendTLSPolicy of either group claims: which ports of which Service, and how they are to be reached.
 *
 * A policy that cannot be honoured claims its ports all the same: they must not be reached in plain text. Pure.
 */
import { type Resource, resourceName, type Service } from '../resources/resource.js';
import type { CompileContext } from './context.js';
import type { Credentials } from './credentials.js';
import type { AuthorityMaterial, CertificateMaterial } from './tls.js';

/** What a policy asks for, before anybody needs it. */
export interface BackendTls {
  /** `namespace/name` of the policy. */
  readonly policy: string;
  readonly sni: string;
  readonly subjectAltNames: readonly string[];
  readonly authority: AuthorityMaterial | 'system' | 'none';
  readonly clientCertificate: CertificateMaterial | null;
}

/** Why a service must not be reached. */
export interface BackendTlsFault {
  readonly broken: string;
}

/** The ports of a Service that a policy is for. */
export interface BackendTlsClaim {
  readonly policy: Resource<unknown>;
  /** `namespace/name` of the Service. */
  readonly service: string;
  /** null: all that no other policy names. */
  readonly port: number | null;
  readonly tls: BackendTls | BackendTlsFault;
  /** Says that an older policy has the port already. */
  conflict(first: Resource<unknown>): void;
}

/** What readers of policies are given. */
export interface BackendTlsParts {
  readonly services: ReadonlyMap<string, Service>;
  readonly credentials: Credentials;
  readonly context: CompileContext;
}

/** `BackendTLSPolicy default/chat cannot be honoured: …`. */
export function brokenBy(policy: Resource<unknown>, why: string): BackendTlsFault {
  return { broken: `${policy.kind} ${resourceName(policy)} cannot be honoured: ${why}` };
}

/** The number of a Service's TCP port by its name. */
export function portNamed({ spec }: Service, name: string): number | undefined {
  return spec.ports.find((port) => port.name === name && port.protocol === 'TCP')?.port;
}

/** Whether a Service may be reached on a port: an ExternalName Service need not declare it. */
export function hasPort({ spec }: Service, number: number): boolean {
  if (spec.type === 'ExternalName' && spec.ports.length === 0) return true;
  return spec.ports.some(({ port }) => port === number);
}
