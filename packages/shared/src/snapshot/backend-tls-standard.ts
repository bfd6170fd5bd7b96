/**
 * BackendTLSPolicy of gateway.networking.k8s.io: what one policy asks for, and for which ports.
 *
 * Its conditions are told for each target, with the standard's reasons. A caCertificateRef that leads to nothing is said,
 * and the others are used; with none left, connections must fail and the client gets a 5xx (BackendTLSPolicyValidation).
 * Pure but for what it says.
 */
import type { BackendTlsValidation } from '../resources/backend-tls-policy.js';
import type { ConfigPath } from '../resources/path.js';
import { type BackendTlsPolicy, issueAt, resourceName } from '../resources/resource.js';
import { absent } from './absence.js';
import {
  type BackendTls,
  type BackendTlsClaim,
  type BackendTlsFault,
  type BackendTlsParts,
  brokenBy,
  portNamed,
} from './backend-tls-claim.js';
import { CredentialFault } from './credential-fault.js';
import { readAuthority } from './material.js';
import { conflict } from './policy-target.js';
import type { AncestorStatus } from './status.js';
import type { AuthorityMaterial } from './tls.js';

type Target = BackendTlsPolicy['spec']['targetRefs'][number];
const UNREACHED = 'the Service is not reached, and requests for it are answered with 500';

interface Problem {
  readonly type: 'Accepted' | 'ResolvedRefs';
  readonly reason: string;
  readonly message: string;
}

interface TargetFault {
  readonly reason: string;
  readonly message: string;
  /** Of the targetRef. */
  readonly field: string;
}

/** What the validation comes to, and what is to be said of it. */
interface Verification {
  readonly tls: BackendTls | BackendTlsFault;
  readonly problems: readonly Problem[];
}

export function readStandardPolicy(policy: BackendTlsPolicy, parts: BackendTlsParts): BackendTlsClaim[] {
  const { book, issues } = parts.context;
  for (const key of Object.keys(policy.spec.options)) {
    issues.push(issueAt(policy, 'warning', ['spec', 'options', key], 'is not read'));
  }
  const { tls, problems } = verify(policy, policy.spec.validation, parts);
  return policy.spec.targetRefs.flatMap((target, index) => {
    const path = ['spec', 'targetRefs', index];
    const ancestor = ancestorOf(target);
    const say = (problem: Problem) => book.policy(policy, { ...problem, status: 'False' }, ancestor);
    const refuse = (problem: Problem, at: ConfigPath = path, hint = '') => {
      say(problem);
      issues.push(issueAt(policy, 'warning', at, problem.message, hint));
    };
    const found = claimOf(policy, target, parts);
    if ('reason' in found) {
      const { reason, message, field } = found;
      refuse({ type: 'Accepted', reason, message }, [...path, field]);
      return [];
    }
    for (const problem of problems) say(problem);
    return [
      {
        ...found,
        policy,
        tls,
        conflict(first) {
          const { message, hint = '' } = conflict(describe(found), first);
          refuse({ type: 'Accepted', reason: 'Conflicted', message }, path, hint);
        },
      },
    ];
  });
}

/** The target as it is written. */
function ancestorOf(target: Target): AncestorStatus['ancestorRef'] {
  const { group, kind, name, sectionName } = target;
  return { group, kind, name, ...(sectionName !== undefined && { sectionName }) };
}

function describe({ service, port }: { readonly service: string; readonly port: number | null }): string {
  return port === null ? `Service ${service}` : `port ${port} of Service ${service}`;
}

function claimOf(
  { namespace }: BackendTlsPolicy,
  { group, kind, name, sectionName }: Target,
  { services }: BackendTlsParts,
): Pick<BackendTlsClaim, 'service' | 'port'> | TargetFault {
  if (group !== '' || kind !== 'Service') {
    const message = `a ${kind}${group === '' ? '' : ` of ${group}`} is no target of this policy: use a Service`;
    return { reason: 'Invalid', message, field: 'kind' };
  }
  const service = services.get(`${namespace}/${name}`);
  if (service === undefined) {
    const message = `${absent('Service', `${namespace}/${name}`)}: the policy does nothing`;
    return { reason: 'TargetNotFound', message, field: 'name' };
  }
  if (sectionName === undefined) return { service: resourceName(service), port: null };
  const port = portNamed(service, sectionName);
  if (port !== undefined) return { service: resourceName(service), port };
  const message = `Service ${namespace}/${name} has no port named ${JSON.stringify(sectionName)}: the policy does nothing`;
  return { reason: 'TargetNotFound', message, field: 'sectionName' };
}

function verify(policy: BackendTlsPolicy, validation: BackendTlsValidation, parts: BackendTlsParts): Verification {
  const { hostname, subjectAltNames, caCertificateRefs } = validation;
  const names = subjectAltNames.flatMap((name) => name.hostname ?? name.uri ?? []);
  const tls = {
    policy: resourceName(policy),
    sni: hostname,
    subjectAltNames: names.length === 0 ? [hostname] : names,
    clientCertificate: null,
  };
  if (caCertificateRefs.length === 0) return { tls: { ...tls, authority: 'system' }, problems: [] };
  const { authority, problems } = readAuthorities(policy, caCertificateRefs, parts);
  if (authority !== null) return { tls: { ...tls, authority }, problems };
  const message = `${problems[0]?.message ?? 'there is no authority'}: ${UNREACHED}`;
  const accepted = { type: 'Accepted', reason: 'NoValidCACertificate', message } as const;
  return { tls: brokenBy(policy, problems[0]?.message ?? ''), problems: [...problems, accepted] };
}

/** All that can be read, as one; null when there is none. */
function readAuthorities(
  policy: BackendTlsPolicy,
  refs: BackendTlsValidation['caCertificateRefs'],
  { credentials, context }: BackendTlsParts,
): { readonly authority: AuthorityMaterial | null; readonly problems: Problem[] } {
  const problems: Problem[] = [];
  const found = refs.flatMap((ref, index) => {
    const authority = credentials.authority(policy, ref, ['ConfigMap', 'Secret']);
    if (!(authority instanceof CredentialFault)) return [authority.certificates];
    const { message, hint } = authority;
    const reason = authority.reason === 'InvalidKind' ? 'InvalidKind' : 'InvalidCACertificateRef';
    problems.push({ type: 'ResolvedRefs', reason, message });
    const path = ['spec', 'validation', 'caCertificateRefs', index];
    const consequence = refs.length === 1 ? `${message}: ${UNREACHED}` : message;
    context.issues.push(issueAt(policy, 'warning', path, consequence, hint));
    return [];
  });
  if (found.length === 0) return { authority: null, problems };
  const reading = readAuthority(found.join(''), context.nowMs);
  return { authority: typeof reading === 'string' ? null : reading.material, problems };
}
