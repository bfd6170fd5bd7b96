/**
 * Schema of HealthCheckPolicy (alb.networking.azure.io/v1): how the endpoints of a Service are probed.
 *
 * Our documented extensions: `protocol: WebSocket` with the block `websocket`, and the fields of `grpc`. Defaults are the
 * compiler's, because `default` and `override` are merged first. Any thread.
 * Source: the reference's API specification, HealthCheckPolicyConfig.
 */
import { z } from 'zod';
import { authority } from './authority.js';
import { strictResource } from './metadata.js';
import { duration, serviceTargetRef } from './policy-fields.js';
import { choice, fields, port, unsupported, wholeNumber, wrong } from './schema.js';
import { requestPath, websocketProbe } from './websocket-probe.js';

const DAY_MS = 86_400_000;

const statusCodes = fields({ start: wholeNumber(100, 599), end: wholeNumber(100, 599) }).refine(
  ({ start, end }) => start <= end,
  {
    path: ['end'],
    message: wrong('is less than start', 'both ends belong to the range'),
  },
);

const http = fields({
  host: authority.optional(),
  path: requestPath.optional(),
  match: fields({
    statusCodes: z.array(statusCodes).min(1, 'must have at least one range').optional(),
    body: unsupported('match by statusCodes'),
  }).optional(),
});

const grpc = fields({
  authority: authority.optional(),
  service: z
    .string()
    .regex(/^[\w.]{0,255}$/, wrong('is not the name of a gRPC service', 'as in chat.v1.Chat'))
    .optional(),
});

const configFields = fields({
  interval: duration(10, DAY_MS).optional(),
  timeout: duration(10, DAY_MS).optional(),
  healthyThreshold: wholeNumber(1, 1000).optional(),
  unhealthyThreshold: wholeNumber(1, 1000).optional(),
  port: port.optional(),
  protocol: choice(['HTTP', 'HTTPS', 'TCP', 'WebSocket']).optional(),
  useTLS: z.boolean().optional(),
  http: http.optional(),
  grpc: grpc.optional(),
  websocket: websocketProbe.optional(),
});

/** The protocols under which a block is read; without a protocol the block decides. */
const PROTOCOLS = {
  http: ['HTTP', 'HTTPS'],
  grpc: ['HTTP', 'HTTPS'],
  websocket: ['WebSocket'],
} as const satisfies Record<string, readonly string[]>;

const config = configFields.superRefine((value, context) => {
  const add = (field: string, text: string) => context.addIssue({ code: 'custom', path: [field], message: text });
  let first: string | undefined;
  for (const [block, protocols] of Object.entries(PROTOCOLS)) {
    if (value[block as keyof typeof PROTOCOLS] === undefined) continue;
    if (first !== undefined) add(block, wrong(`cannot stand beside ${first}`, 'a probe is of one kind'));
    else if (value.protocol !== undefined && !(protocols as readonly string[]).includes(value.protocol)) {
      add(block, wrong(`is not read with protocol: ${value.protocol}`, `use protocol: ${protocols.join(' or ')}`));
    }
    first ??= block;
  }
  if (value.protocol === 'HTTPS' && value.useTLS === false) {
    add('useTLS', wrong('contradicts protocol: HTTPS', 'write protocol: HTTP, or leave useTLS out'));
  }
  if (value.protocol === 'TCP' && value.useTLS === true) {
    add('useTLS', wrong('is not read with protocol: TCP', 'that probe is about the connection alone'));
  }
});

const spec = fields({
  targetRef: serviceTargetRef,
  default: config.default({}),
  override: config.default({}),
});

/** A probe in an annotation is an override, and the only check of it. */
export const healthCheckPolicySchema = strictResource(spec, 'HealthCheckPolicy').transform((policy) => {
  const { websocketProbe: websocket } = policy.metadata.annotations;
  if (websocket === undefined) return policy;
  const { protocol: _, http: __, grpc: ___, ...rest } = policy.spec.override;
  return { ...policy, spec: { ...policy.spec, override: { ...rest, websocket } } };
});

export type HealthCheckPolicySpec = z.infer<typeof spec>;
export type HealthCheckConfig = z.infer<typeof config>;
