/**
 * Schema of Gateway (gateway.networking.k8s.io/v1): HTTP listeners for now.
 *
 * Every field of the standard is named here, supported or refused: nothing is passed over in silence. Any thread.
 * Source: kubernetes-sigs/gateway-api, apis/v1/gateway_types.go.
 */
import { z } from 'zod';
import { strictResource } from './metadata.js';
import { choice, fields, hostname, objectName, port, unsupported } from './schema.js';

const allowedRoutes = fields({
  namespaces: fields({
    from: choice(['Same', 'All'], ['Selector', 'None']).default('Same'),
    selector: unsupported('use from: Same or from: All'),
  }).default({ from: 'Same' }),
  kinds: z
    .array(
      fields({
        group: choice(['gateway.networking.k8s.io']).default('gateway.networking.k8s.io'),
        kind: choice(['HTTPRoute'], ['GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute']),
      }),
    )
    .optional(),
});

const listener = fields({
  name: objectName,
  hostname: hostname.optional(),
  port,
  protocol: choice(['HTTP'], ['HTTPS', 'TLS', 'TCP', 'UDP']),
  tls: unsupported('only listeners with protocol: HTTP are served for now'),
  allowedRoutes: allowedRoutes.default({ namespaces: { from: 'Same' } }),
});

const spec = fields({
  gatewayClassName: objectName,
  listeners: z.array(listener).min(1, 'must have at least one listener'),
  addresses: unsupported('choose the address to bind with --bind'),
  infrastructure: unsupported('remove the field'),
  allowedListeners: unsupported('write the listeners in the Gateway'),
  tls: unsupported('only listeners with protocol: HTTP are served for now'),
  backendTLS: unsupported('connections to backends are plain TCP for now'),
  defaultScope: unsupported('name the Gateway in the parentRefs of each route'),
});

export const gatewaySchema = strictResource(spec);

/** A GatewayClass says nothing that Sluice needs; its spec is not read. */
export const gatewayClassSchema = strictResource(z.unknown().optional());

export type GatewaySpec = z.infer<typeof spec>;
export type ListenerSpec = GatewaySpec['listeners'][number];
