/**
 * Schema of Service (v1): ports, selector, external name, and our annotations. Only fields that are read are checked.
 *
 * Where its endpoints come from is the compiler's question; `targetPort` matters only when that is DNS, because an
 * EndpointSlice has port numbers of its own. Any thread.
 */
import { z } from 'zod';
import { dnsNameFault } from './dns-name.js';
import { coreResource } from './metadata.js';
import { choice, labelName, port, wrong } from './schema.js';

/** IANA service name, as container ports are named: the letter tells it from a quoted number. */
const PORT_NAME = /^(?=.*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** A number, or the name of a container's port. */
const targetPort = z.unknown().transform((value, context): number | string => {
  const number = port.safeParse(value);
  if (number.success) return number.data;
  if (typeof value === 'string' && value.length <= 15 && PORT_NAME.test(value)) return value;
  const hint = 'write the number, 1 to 65535, or the name of a container port';
  context.addIssue({ code: 'custom', message: wrong('is not a port', hint) });
  return z.NEVER;
});

const servicePort = z.object({
  name: labelName.optional(),
  port,
  protocol: choice(['TCP', 'UDP', 'SCTP']).default('TCP'),
  targetPort: targetPort.optional(),
  appProtocol: z.string().optional(),
});

const externalName = z.string().transform((value, context) => {
  const fault = dnsNameFault(value);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  return value.toLowerCase();
});

const spec = z
  .object({
    type: choice(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']).default('ClusterIP'),
    externalName: externalName.optional(),
    selector: z.record(z.string(), z.string()).default({}),
    ports: z.array(servicePort).default([]).superRefine(checkNames),
  })
  .superRefine((value, context) => {
    const add = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
    if (value.type === 'ExternalName') {
      if (value.externalName === undefined) add('externalName', wrong('is required with type: ExternalName'));
    } else if (value.externalName !== undefined) {
      add('externalName', wrong(`is not read with type: ${value.type}`, 'write type: ExternalName'));
    }
  });

function checkNames(ports: readonly z.infer<typeof servicePort>[], context: z.RefinementCtx): void {
  const names = new Set<string>();
  const numbers = new Set<string>();
  ports.forEach(({ name, port: number, protocol }, index) => {
    const add = (field: string, message: string) => context.addIssue({ code: 'custom', path: [index, field], message });
    if (name === undefined && ports.length > 1) add('name', wrong('is required when a Service has several ports'));
    if (name !== undefined && names.has(name)) add('name', wrong('is the name of an earlier port'));
    if (numbers.has(`${number}/${protocol}`)) add('port', wrong('is the number of an earlier port'));
    names.add(name ?? '');
    numbers.add(`${number}/${protocol}`);
  });
}

export const serviceSchema = coreResource({ spec }, 'Service');

export type ServiceSpec = z.infer<typeof spec>;
export type ServicePort = ServiceSpec['ports'][number];
