/**
 * Schema of EndpointSlice (discovery.k8s.io/v1): addresses, conditions, ports. Only fields that are read are checked.
 *
 * Addresses come out in their canonical text form, names in lower case, so that one endpoint has one spelling everywhere. Any thread.
 */
import { z } from 'zod';
import { canonicalAddress } from './address.js';
import { dnsNameFault } from './dns-name.js';
import { coreResource } from './metadata.js';
import { choice, port, portName, wrong } from './schema.js';

/** What is absent means yes, yes, no (EndpointConditions). */
const conditions = z.object({
  ready: z.boolean().default(true),
  serving: z.boolean().default(true),
  terminating: z.boolean().default(false),
});

const endpoint = z.object({
  addresses: z.array(z.string()).min(1, 'must have at least one address'),
  conditions: conditions.default({ ready: true, serving: true, terminating: false }),
});

const slicePort = z.object({
  name: portName.default(''),
  port,
  protocol: choice(['TCP', 'UDP', 'SCTP']).default('TCP'),
});

const body = {
  addressType: choice(['IPv4', 'IPv6', 'FQDN']),
  endpoints: z.array(endpoint).default([]),
  ports: z.array(slicePort).default([]),
};

type Body = z.infer<z.ZodObject<typeof body>>;

function canonical(text: string, type: Body['addressType']): { address?: string; message?: string } {
  if (type === 'FQDN') {
    const fault = dnsNameFault(text);
    return fault === undefined ? { address: text.toLowerCase() } : { message: `${JSON.stringify(text)} ${fault}` };
  }
  const address = canonicalAddress(text, type);
  if (address !== undefined) return { address };
  return { message: wrong(`${JSON.stringify(text)} is not an ${type} address`) };
}

function canonicalise(slice: Body, context: z.RefinementCtx) {
  const endpoints = slice.endpoints.map(({ addresses, conditions }, index) => ({
    conditions,
    addresses: addresses.map((text, position) => {
      const { address, message = '' } = canonical(text, slice.addressType);
      if (address !== undefined) return address;
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
