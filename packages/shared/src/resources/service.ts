/**
 * Schema of Service (v1): its ports. Only fields that are read are checked.
 *
 * The endpoints of a Service are in its EndpointSlices; `targetPort` is checked, because a named one cannot be resolved
 * without the pods, but the port that is dialled is the slice's. Any thread.
 */
import { z } from 'zod';
import { coreResource } from './metadata.js';
import { choice, labelName, port, wrong } from './schema.js';

const targetPort = z.unknown().superRefine((value, context) => {
  if (port.safeParse(value).success) return;
  const named = typeof value === 'string';
  const message = named ? `the named port ${JSON.stringify(value)} is not supported yet` : 'is not a port';
  context.addIssue({ code: 'custom', message: wrong(message, 'write the port number, 1 to 65535') });
});

const servicePort = z.object({
  name: labelName.optional(),
  port,
  protocol: choice(['TCP', 'UDP', 'SCTP']).default('TCP'),
  targetPort: targetPort.optional(),
});

const spec = z.object({
  type: choice(['ClusterIP', 'NodePort', 'LoadBalancer'], ['ExternalName']).default('ClusterIP'),
  ports: z.array(servicePort).default([]).superRefine(checkNames),
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

export const serviceSchema = coreResource({ spec });

export type ServiceSpec = z.infer<typeof spec>;
export type ServicePort = ServiceSpec['ports'][number];
