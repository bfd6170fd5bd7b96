/**
 * Schema of Gateway (gateway.networking.k8s.io/v1): listeners, whom they let attach, their certificates, addresses.
 *
 * Every field of the standard is named here: nothing is passed over in silence. A value that makes one
 * listener unusable (its protocol, a passthrough, a kind of route) is let through, because the standard answers it with a
 * condition of that listener. Any thread.
 * Source: kubernetes-sigs/gateway-api, apis/v1/gateway_types.go.
 */
import { z } from 'zod';
import { labelSelector } from './label-selector.js';
import { strictResource } from './metadata.js';
import { secretRef } from './object-ref.js';
import {
  atMost,
  choice,
  fields,
  groupName,
  hostname,
  kindName,
  objectName,
  port,
  unserved,
  unsupported,
  wrong,
} from './schema.js';

const namespaces = fields({
  from: choice(['Same', 'All', 'Selector', 'None']).default('Same'),
  selector: labelSelector.optional(),
}).superRefine(({ from, selector }, context) => {
  if (from !== 'Selector' || selector !== undefined) return;
  const message = wrong('is required with from: Selector', 'as in selector: { matchLabels: { team: chat } }');
  context.addIssue({ code: 'custom', path: ['selector'], message });
});

const allowedRoutes = fields({
  namespaces: namespaces.default({ from: 'Same' }),
  kinds: z
    .array(fields({ group: groupName.default('gateway.networking.k8s.io'), kind: kindName }))
    .max(8, atMost(8))
    .optional(),
});

/** Keys and values that the standard leaves to implementations. */
const options = z.record(z.string(), z.string()).default({});

const listenerTls = fields({
  mode: choice(['Terminate', 'Passthrough']).default('Terminate'),
  certificateRefs: z.array(secretRef).max(64, atMost(64)).default([]),
  options,
  frontendValidation: unsupported('ask for client certificates with a FrontendTLSPolicy of alb.networking.azure.io/v1'),
}).superRefine(({ mode, certificateRefs, options: given }, context) => {
  if (mode !== 'Terminate' || certificateRefs.length > 0 || Object.keys(given).length > 0) return;
  const message = wrong(
    'must name at least one Secret with mode: Terminate',
    'as in - { kind: Secret, name: chat-tls }',
  );
  context.addIssue({ code: 'custom', path: ['certificateRefs'], message });
});

const PLAIN_PROTOCOLS = ['HTTP', 'TCP', 'UDP'];

/** A protocol of the standard, in any case (ProtocolType), or of a domain (`example.com/mine`). */
const protocol = z
  .string()
  .max(255, wrong('is longer than 255 characters'))
  .regex(
    /^(?:[A-Za-z0-9]+|[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\/[A-Za-z0-9]+)$/,
    wrong('is not a protocol', 'use HTTP or HTTPS'),
  );

const listener = fields({
  name: objectName,
  hostname: hostname.optional(),
  port,
  protocol,
  tls: listenerTls.optional(),
  allowedRoutes: allowedRoutes.default({ namespaces: { from: 'Same' } }),
}).superRefine(({ protocol: spoken, tls }, context) => {
  if (tls === undefined || !PLAIN_PROTOCOLS.includes(spoken.toUpperCase())) return;
  const message = wrong(`must not be there with protocol: ${spoken}`, 'write protocol: HTTPS, or remove tls');
  context.addIssue({ code: 'custom', path: ['tls'], message });
});

/** Types of other implementations (`example.com/frontend`) are let through: the compiler says what becomes of them. */
const addressType = z
  .string()
  .regex(
    /^(?:IPAddress|Hostname|NamedAddress|[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\/[-A-Za-z0-9/._~%!$&'()*+,;=:]+)$/,
    wrong('is not a type of address', 'use IPAddress or Hostname'),
  );

const address = fields({
  type: addressType.default('IPAddress'),
  value: z.string().max(253, wrong('is longer than 253 characters')).default(''),
});

/** About objects of a cluster; parameters of a controller are the compiler's to refuse. */
const infrastructure = fields({
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  parametersRef: fields({ group: groupName, kind: kindName, name: objectName }).optional(),
});

const spec = fields({
  gatewayClassName: objectName,
  listeners: z.array(listener).min(1, 'must have at least one listener').max(64, atMost(64)),
  addresses: z.array(address).max(16, atMost(16)).default([]),
  infrastructure: infrastructure.optional(),
  allowedListeners: unserved,
  tls: unsupported('write tls in each listener; client certificates are asked for by a FrontendTLSPolicy'),
  backendTLS: unsupported('describe the connection to a backend with a BackendTLSPolicy'),
  defaultScope: unserved,
});

export const gatewaySchema = strictResource(spec, 'Gateway');

const classSpec = fields({
  controllerName: z.string().min(1, wrong('must not be empty', 'as in sluice.dev/gateway')),
  parametersRef: z.unknown().optional(),
  description: z.string().optional(),
});

/** Whose Gateways its controllerName says; nothing else of it is read. */
export const gatewayClassSchema = strictResource(classSpec);

export type GatewaySpec = z.infer<typeof spec>;
export type ListenerSpec = GatewaySpec['listeners'][number];
export type ListenerTls = z.infer<typeof listenerTls>;
export type GatewayAddress = z.infer<typeof address>;
export type GatewayClassSpec = z.infer<typeof classSpec>;
