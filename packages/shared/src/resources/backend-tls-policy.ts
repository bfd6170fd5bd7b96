/**
 * Schema of the standard's BackendTLSPolicy (gateway.networking.k8s.io/v1): how a backend's certificate is verified.
 *
 * The rules between fields are the CRD's. Any thread.
 * Source: kubernetes-sigs/gateway-api, apis/v1/backendtlspolicy_types.go.
 */
import { z } from 'zod';
import { strictResource } from './metadata.js';
import { localRef } from './object-ref.js';
import { atMost, choice, fields, groupName, hostname, kindName, objectName, preciseHostname, wrong } from './schema.js';

const targetRef = fields({
  group: groupName.default(''),
  kind: kindName,
  name: objectName,
  /** The name of a port of the Service. */
  sectionName: objectName.optional(),
});

const absoluteUri = z
  .string()
  .max(253, wrong('is longer than 253 characters'))
  .regex(/^[A-Za-z][-+.A-Za-z0-9]*:[^\s]+$/, wrong('is not a URI', 'as in spiffe://example.com/chat'));

const subjectAltName = fields({
  type: choice(['Hostname', 'URI']),
  hostname: hostname.optional(),
  uri: absoluteUri.optional(),
}).superRefine(({ type, hostname: name, uri }, context) => {
  const wanted = type === 'Hostname' ? 'hostname' : 'uri';
  const other = type === 'Hostname' ? 'uri' : 'hostname';
  const given = { hostname: name, uri };
  const add = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
  if (given[wanted] === undefined) add(wanted, wrong(`is required with type: ${type}`));
  if (given[other] !== undefined) add(other, wrong(`must not be there with type: ${type}`, `use ${wanted}`));
});

const validation = fields({
  caCertificateRefs: z.array(localRef).max(8, atMost(8)).default([]),
  wellKnownCACertificates: choice(['System', '']).optional(),
  hostname: preciseHostname,
  subjectAltNames: z.array(subjectAltName).max(5, atMost(5)).default([]),
}).superRefine(({ caCertificateRefs, wellKnownCACertificates }, context) => {
  const add = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
  const wellKnown = (wellKnownCACertificates ?? '') !== '';
  if (wellKnown && caCertificateRefs.length > 0) {
    add('wellKnownCACertificates', wrong('must not stand beside caCertificateRefs', 'keep one of them'));
  } else if (!wellKnown && caCertificateRefs.length === 0) {
    add('caCertificateRefs', wrong('must name at least one ConfigMap', 'or write wellKnownCACertificates: System'));
  }
});

const spec = fields({
  targetRefs: z.array(targetRef).min(1, wrong('must have at least one target')),
  validation,
  options: z.record(z.string(), z.string()).default({}),
});

export const backendTlsPolicySchema = strictResource(spec);

export type BackendTlsPolicySpec = z.infer<typeof spec>;
export type BackendTlsValidation = z.infer<typeof validation>;
