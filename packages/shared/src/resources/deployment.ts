/**
 * Schema of Deployment (apps/v1): the labels of its pods and the named ports of their containers.
 *
 * Read only to find the number behind a named `targetPort`; nothing else of it is checked. Any thread.
 */
import { z } from 'zod';
import { coreResource } from './metadata.js';
import { choice, port } from './schema.js';

const containerPort = z.object({
  name: z.string().default(''),
  containerPort: port,
  protocol: choice(['TCP', 'UDP', 'SCTP']).default('TCP'),
});

const spec = z.object({
  template: z.object({
    metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }).default({ labels: {} }),
    spec: z
      .object({ containers: z.array(z.object({ ports: z.array(containerPort).default([]) })).default([]) })
      .default({ containers: [] }),
  }),
});

export const deploymentSchema = coreResource({ spec });

export type DeploymentSpec = z.infer<typeof spec>;
