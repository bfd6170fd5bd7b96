/**
 * Schemas of BackendTLSPolicy and FrontendTLSPolicy (alb.networking.azure.io/v1): TLS towards backends and clients.
 *
 * What must be there is asked by the compiler, after `default` and `override` are merged. Any thread.
 * Source: the reference's API specification and its pages on TLS policy, frontend and backend mTLS.
 */
import { z } from 'zod';
import { strictResource } from './metadata.js';
import { secretRef } from './object-ref.js';
import { serviceTargetRef } from './policy-fields.js';
import { choice, fields, labelName, objectName, port, preciseHostname, wrong } from './schema.js';

/** A DNS name, perhaps with a wildcard, or a URI. */
const subjectAltName = z
  .string()
  .min(1, wrong('must not be empty', 'as in chat.example.com'))
  .max(253, wrong('is longer than 253 characters'))
  .regex(/^[!-~]+$/, wrong('is not a subject alternative name', 'as in chat.example.com or spiffe://example.com/chat'));

const backendConfig = fields({
  sni: preciseHostname.optional(),
  ports: z.array(fields({ port })).optional(),
  clientCertificateRef: secretRef.optional(),
  verify: fields({
    caCertificateRef: secretRef.optional(),
    subjectAltName: subjectAltName.optional(),
  }).optional(),
});

const backendSpec = fields({
  targetRef: serviceTargetRef,
  default: backendConfig.default({}),
  override: backendConfig.default({}),
});

export const albBackendTlsPolicySchema = strictResource(backendSpec);

/** `listeners` is what older versions of the reference's specification call `sectionNames`. */
const gatewayTargetRef = fields({
  group: choice(['gateway.networking.k8s.io', '']).default('gateway.networking.k8s.io'),
  kind: choice(['Gateway']),
  name: objectName,
  namespace: labelName.optional(),
  sectionNames: z.array(objectName).default([]),
  listeners: z.array(objectName).default([]),
}).transform(({ listeners, ...ref }, context) => {
  if (listeners.length > 0 && ref.sectionNames.length > 0) {
    const message = wrong('must not stand beside sectionNames', 'name the listeners in sectionNames');
    context.addIssue({ code: 'custom', path: ['listeners'], message });
  }
  return { ...ref, sectionNames: [...ref.sectionNames, ...listeners] };
});

const frontendConfig = fields({
  verify: fields({ caCertificateRef: secretRef }).optional(),
  policyType: fields({
    type: choice(['predefined']).default('predefined'),
    name: choice(['2023-06', '2023-06-S']),
  }).optional(),
});

const frontendSpec = fields({
  targetRef: gatewayTargetRef,
  default: frontendConfig.default({}),
  override: frontendConfig.default({}),
});

export const frontendTlsPolicySchema = strictResource(frontendSpec);

export type AlbBackendTlsPolicySpec = z.infer<typeof backendSpec>;
export type AlbBackendTlsConfig = z.infer<typeof backendConfig>;
export type FrontendTlsPolicySpec = z.infer<typeof frontendSpec>;
export type FrontendTlsConfig = z.infer<typeof frontendConfig>;
