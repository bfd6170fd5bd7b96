/**
 * Schema of ReferenceGrant (gateway.networking.k8s.io/v1beta1): who may refer to what in this namespace.
 *
 * Any thread. Source: kubernetes-sigs/gateway-api, apis/v1beta1/referencegrant_types.go.
 */
import { z } from 'zod';
import { strictResource } from './metadata.js';
import { fields, groupName, kindName, labelName, objectName, wrong } from './schema.js';

const from = fields({ group: groupName, kind: kindName, namespace: labelName });
const to = fields({ group: groupName, kind: kindName, name: objectName.optional() });

const spec = fields({
  from: z.array(from).min(1, wrong('must have at least one entry')),
  to: z.array(to).min(1, wrong('must have at least one entry')),
});

export const referenceGrantSchema = strictResource(spec);

export type ReferenceGrantSpec = z.infer<typeof spec>;
