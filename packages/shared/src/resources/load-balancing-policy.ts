/**
 * Schema of BackendLoadBalancingPolicy (alb.networking.azure.io/v1): how the endpoints of a Service share its connections.
 *
 * A block that the strategy would not read is an error, as in the reference. Defaults are the reference's. Any thread.
 * Source: the reference's page on load balancing strategies.
 */
import { z } from 'zod';
import { strictResource } from './metadata.js';
import { decimal, duration, servicePortsTargetRef } from './policy-fields.js';
import { choice, fields, wholeNumber, wrong } from './schema.js';

const HOUR_MS = 3_600_000;

const slowStart = fields({
  window: duration(0, 24 * HOUR_MS).default(0),
  aggression: decimal((value) => value > 0, 'use a decimal greater than 0, as in "1.0"').default(1),
  startWeightPercent: wholeNumber(1, 100).default(10),
});

const loadAware = fields({
  blackoutPeriod: duration(0, 24 * HOUR_MS).default(10_000),
  metricExpirationPeriod: duration(1, 24 * HOUR_MS).default(180_000),
  errorUtilizationPenalty: decimal((value) => value >= 0, 'use a decimal that is not negative, as in "1.0"').default(1),
  namedMetrics: z
    .array(z.string().regex(/^[\w./-]{1,128}$/, wrong('is not the name of a metric', 'as in gpu_utilization')))
    .max(16, wrong('has more than 16 names'))
    .default([]),
});

const loadBalancing = fields({
  strategy: choice(['round-robin', 'least-request', 'ring-hash', 'load-aware']).default('round-robin'),
  slowStart: slowStart.optional(),
  loadAware: loadAware.optional(),
}).superRefine((value, context) => {
  const refuse = (field: string, strategies: string) => {
    const message = wrong(`is not read with strategy: ${value.strategy}`, `use it with strategy: ${strategies}`);
    context.addIssue({ code: 'custom', path: [field], message });
  };
  const slow = value.strategy === 'round-robin' || value.strategy === 'least-request';
  if (value.slowStart !== undefined && !slow) refuse('slowStart', 'round-robin or least-request');
  if (value.loadAware !== undefined && value.strategy !== 'load-aware') refuse('loadAware', 'load-aware');
});

const spec = fields({
  targetRefs: z.array(servicePortsTargetRef).min(1, 'must have at least one target'),
  loadBalancing: loadBalancing.default({ strategy: 'round-robin' }),
});

export const loadBalancingPolicySchema = strictResource(spec);

export type LoadBalancingPolicySpec = z.infer<typeof spec>;
export type LoadBalancing = LoadBalancingPolicySpec['loadBalancing'];
