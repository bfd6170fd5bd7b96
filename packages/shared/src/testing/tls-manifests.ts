/** Manifests of certificates and TLS policies for the unit tests, and what is said of them. Tests only. */
import type { ConfigIssue } from '../resources/issue.js';
import { type PolicyOptions, policy } from './manifests.js';

interface ObjectOptions {
  readonly namespace?: string;
  /** How the values are written: base64 under `data`, or as text under `stringData`. */
  readonly field?: 'data' | 'stringData';
}

/** A Secret with these values. */
export function secret(
  name: string,
  values: Readonly<Record<string, string>>,
  { namespace = 'default', field = 'data' }: ObjectOptions = {},
): string {
  const encode = (value: string) => (field === 'data' ? Buffer.from(value).toString('base64') : value);
  const body = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, encode(value)]));
  return `
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: ${namespace} }
type: Opaque
${field}: ${JSON.stringify(body)}
`;
}

/** A Secret of type kubernetes.io/tls. */
export function tlsSecret(
  name: string,
  pair: { readonly chain: string; readonly key: string },
  options?: ObjectOptions,
) {
  const text = secret(name, { 'tls.crt': pair.chain, 'tls.key': pair.key }, options);
  return text.replace('type: Opaque', 'type: kubernetes.io/tls');
}

export function configMap(name: string, values: Readonly<Record<string, string>>, namespace = 'default'): string {
  return `
apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}, namespace: ${namespace} }
data: ${JSON.stringify(values)}
`;
}

/** A BackendTLSPolicy of the standard for Service chat; both arguments as flow mappings without braces. */
export function backendTls(validation: string, options: PolicyOptions = {}, target = 'name: chat'): string {
  const spec = `targetRefs: [{ group: "", kind: Service, ${target} }], validation: { ${validation} }`;
  return policy('BackendTLSPolicy', spec, options, 'gateway.networking.k8s.io');
}

/** A BackendTLSPolicy of the reference for Service chat. */
export function albBackendTls(spec: string, options: PolicyOptions = {}, target = 'name: chat'): string {
  return policy('BackendTLSPolicy', `targetRef: { group: "", kind: Service, ${target} }, ${spec}`, options);
}

/** A FrontendTLSPolicy for Gateway main. */
export function frontendTls(spec: string, options: PolicyOptions = {}, target = 'name: main'): string {
  const ref = `targetRef: { group: gateway.networking.k8s.io, kind: Gateway, ${target} }`;
  return policy('FrontendTLSPolicy', `${ref}, ${spec}`, options);
}

/** `severity path: message`. */
export function saidOf({ issues }: { readonly issues: readonly ConfigIssue[] }): string[] {
  return issues.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
}
