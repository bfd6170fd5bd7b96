/**
 * FrontendTLSPolicy to what a listener asks of its clients: versions, cipher suites, a certificate.
 *
 * Invariant: never silently open. A policy that asks for client certificates and whose authority cannot be read closes its
 * listeners; one of which it cannot be told whom it means (no such Gateway or listener, no grant, an older policy that asks
 * for none) is an error of the configuration, because the listener that its author had in mind would be open. Pure but
 * for what it says.
 */
import type { ConfigPath } from '../resources/path.js';
import { mergeConfig } from '../resources/policy-fields.js';
import { type FrontendTlsPolicy, type Gateway, resourceName } from '../resources/resource.js';
import type { FrontendTlsConfig } from '../resources/tls-policies.js';
import type { CompileContext } from './context.js';
import { CredentialFault, isElsewhere } from './credential-fault.js';
import type { Credentials } from './credentials.js';
import { protocolOf } from './listeners.js';
import {
  byAge,
  conflict,
  mergedPath,
  type PolicyWords,
  type Refusal,
  refusePolicy,
  targetFault,
} from './policy-target.js';
import type { AuthorityMaterial } from './tls.js';
import { DEFAULT_VERSIONS, PREDEFINED_VERSIONS, type TlsVersions } from './tls-versions.js';

const WORDS: PolicyWords = {
  invalid: 'InvalidFrontendTLSPolicy',
  notFound: 'InvalidGateway',
  targetGroup: 'gateway.networking.k8s.io',
  targetKind: 'Gateway',
};
const TARGET: ConfigPath = ['spec', 'targetRef'];

/** What a policy makes of the listeners that it is for. */
export interface FrontendTls {
  /** `namespace/name`. */
  readonly policy: string;
  readonly versions: TlsVersions;
  /** Clients must show a certificate of it; null: none is asked for. */
  readonly authority: AuthorityMaterial | null;
  /** Why the listener must not be served, in words; ''. */
  readonly closed: string;
}

export interface FrontendTlsIndex {
  /** undefined: no policy is for the listener. */
  of(gateway: Gateway, listener: string): FrontendTls | undefined;
}

interface Claim {
  readonly policy: FrontendTlsPolicy;
  /** It asks for client certificates. */
  readonly verifies: boolean;
}

interface Owner extends Claim {
  readonly tls: FrontendTls;
}

export function indexFrontendTls(context: CompileContext, credentials: Credentials): FrontendTlsIndex {
  const gateways = new Map(context.resources.gateways.map((gateway) => [resourceName(gateway), gateway]));
  const owners = new Map<string, Owner>();
  for (const policy of byAge(context.resources.frontendTlsPolicies)) {
    const config = mergeConfig<FrontendTlsConfig>(policy.spec.default, policy.spec.override);
    const claim = { policy, verifies: config.verify !== undefined };
    const gateway = gatewayOf(claim, gateways, context);
    if (gateway === undefined) continue;
    const owner = { ...claim, tls: readPolicy(policy, config, credentials, context) };
    for (const listener of listenersOf(claim, gateway, context)) own(owner, keyOf(gateway, listener), owners, context);
  }
  return { of: (gateway, listener) => owners.get(keyOf(gateway, listener))?.tls };
}

/** No name has a space in it. */
function keyOf(gateway: Gateway, listener: string): string {
  return `${resourceName(gateway)} ${listener}`;
}

function own(owner: Owner, key: string, owners: Map<string, Owner>, context: CompileContext): void {
  const first = owners.get(key);
  if (first === undefined) return void owners.set(key, owner);
  const [gateway = '', listener = ''] = key.split(' ');
  const refusal = conflict(`listener ${JSON.stringify(listener)} of Gateway ${gateway}`, first.policy);
  refuse(owner, TARGET, refusal, context, owner.verifies && !first.verifies);
}

/** `opens`: without the policy a listener is open that its author wanted closed. */
function refuse({ policy }: Claim, path: ConfigPath, refusal: Refusal, context: CompileContext, opens: boolean): void {
  const message = opens ? `${refusal.message}: clients would not have to show a certificate` : refusal.message;
  refusePolicy(policy, WORDS, path, { ...refusal, message, severity: opens ? 'error' : 'warning' }, context);
}

function gatewayOf(claim: Claim, known: ReadonlyMap<string, Gateway>, context: CompileContext): Gateway | undefined {
  const { policy, verifies } = claim;
  const ref = policy.spec.targetRef;
  const fault = targetFault(policy, ref, WORDS, known, context.grants);
  if (fault === undefined) return known.get(`${ref.namespace ?? policy.namespace}/${ref.name}`);
  refuse(claim, [...TARGET, fault.field], fault, context, verifies);
  return undefined;
}

/** The names of the HTTPS listeners that the policy is for. */
function listenersOf(claim: Claim, gateway: Gateway, context: CompileContext): string[] {
  const https = new Set(gateway.spec.listeners.filter((spec) => protocolOf(spec) === 'HTTPS').map(({ name }) => name));
  const { sectionNames } = claim.policy.spec.targetRef;
  const of = `of Gateway ${resourceName(gateway)}`;
  if (sectionNames.length === 0) {
    if (https.size > 0) return [...https];
    const refusal = { unresolved: '', message: `no listener ${of} has protocol: HTTPS` };
    refuse(claim, TARGET, refusal, context, claim.verifies);
    return [];
  }
  for (const [index, name] of sectionNames.entries()) {
    if (https.has(name)) continue;
    const known = gateway.spec.listeners.some((listener) => listener.name === name);
    const listener = JSON.stringify(name);
    const message = known ? `listener ${listener} ${of} is not HTTPS` : `no listener ${of} has the name ${listener}`;
    const hint = https.size > 0 ? `its HTTPS listeners are ${[...https].join(', ')}` : '';
    const refusal = { unresolved: known ? '' : 'InvalidName', message, hint };
    refuse(claim, [...TARGET, 'sectionNames', index], refusal, context, claim.verifies);
  }
  return [...new Set(sectionNames)].filter((name) => https.has(name));
}

function readPolicy(
  policy: FrontendTlsPolicy,
  { verify, policyType }: FrontendTlsConfig,
  credentials: Credentials,
  context: CompileContext,
): FrontendTls {
  const tls = {
    policy: resourceName(policy),
    versions: policyType === undefined ? DEFAULT_VERSIONS : PREDEFINED_VERSIONS[policyType.name],
    authority: null,
    closed: '',
  };
  if (verify === undefined) return tls;
  const authority = credentials.authority(policy, verify.caCertificateRef);
  if (!(authority instanceof CredentialFault)) return { ...tls, authority };
  if (isElsewhere(authority, context)) return tls;
  const { reason, message, hint } = authority;
  const refusal = { unresolved: reason, message: `${message}: its listeners are not served`, hint };
  refusePolicy(policy, WORDS, mergedPath(policy.spec, 'verify', 'caCertificateRef'), refusal, context);
  return { ...tls, closed: `FrontendTLSPolicy ${resourceName(policy)} cannot be honoured: ${message}` };
}
