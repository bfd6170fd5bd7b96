/**
 * Schema of EndpointSlice (discovery.k8s.io/v1): addresses, readiness, ports. Only fields that are read are checked.
 *
 * Addresses come out in their canonical text form, so that one endpoint has one spelling everywhere. Any thread.
 */
import { z } from 'zod';
import { canonicalAddress } from './address.js';
import { coreResource } from './metadata.js';
import { choice, port, portName, wrong } from './schema.js';

const endpoint = z.object({
  addresses: z.array(z.string()).min(1, 'must have at least one address'),
  conditions: z.object({ ready: z.boolean().default(true) }).default({ ready: true }),
});

const slicePort = z.object({
  name: portName.default(''),
  port,
  protocol: choice(['TCP', 'UDP', 'SCTP']).default('TCP'),
});

const body = {
  addressType: choice(['IPv4', 'IPv6'], ['FQDN']),
  endpoints: z.array(endpoint).default([]),
  ports: z.array(slicePort).default([]),
};

type Body = z.infer<z.ZodObject<typeof body>>;

function canonicalise(slice: Body, context: z.RefinementCtx) {
  const endpoints = slice.endpoints.map(({ addresses, conditions }, index) => ({
    conditions,
    addresses: addresses.map((text, position) => {
      const address = canonicalAddress(text, slice.addressType);
      if (address !== undefined) return address;
      const message = wrong(`${JSON.stringify(text)} is not an ${slice.addressType} address`);
      context.addIssue({ code: 'custom', path: ['endpoints', index, 'addresses', position], message });
      return text;
    }),
  }));
  return { addressType: slice.addressType, endpoints, ports: slice.ports };
}

/** An EndpointSlice has no spec: its fields are at the top. */
export const endpointSliceSchema = coreResource(body).transform((slice, context) => ({
  metadata: slice.metadata,
  spec: canonicalise(slice, context),
}));

export type EndpointSliceSpec = z.infer<typeof endpointSliceSchema>['spec'];
