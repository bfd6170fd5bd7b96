/**
 * The words that the policies of alb.networking.azure.io share: targets, durations, decimals, `default` and `override`.
 *
 * Any thread.
 */
import { z } from 'zod';
import { DURATION_HINT, formatDuration, parseDurationOrSeconds } from '../duration.js';
import { choice, fields, labelName, objectName, port, unsupported, wrong } from './schema.js';

const serviceTarget = {
  group: choice(['']).default(''),
  kind: choice(['Service']),
  name: objectName,
  namespace: labelName.optional(),
  sectionName: unsupported('a policy is for the whole Service'),
};

/** A reference to a Service. */
export const serviceTargetRef = fields(serviceTarget);

/** A reference to some ports of a Service; to all of them when none is named. */
export const servicePortsTargetRef = fields({
  ...serviceTarget,
  ports: z.array(fields({ port })).default([]),
});

/** A reference to an HTTPRoute. The reference product's own documentation writes group "". */
export const routeTargetRef = fields({
  group: choice(['gateway.networking.k8s.io', '']).default('gateway.networking.k8s.io'),
  kind: choice(['HTTPRoute']),
  name: objectName,
  namespace: labelName.optional(),
  sectionName: unsupported('a policy is for the whole HTTPRoute'),
});

export interface TargetRef {
  readonly name: string;
  readonly namespace?: string | undefined;
}

/** A duration within a range; milliseconds. */
export function duration(minMs: number, maxMs: number) {
  return z.union([z.string(), z.number()], { error: 'is not a duration' }).transform((value, context) => {
    const ms = parseDurationOrSeconds(value);
    if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms;
    const range = `${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
    const message =
      ms === undefined ? wrong('is not a duration', DURATION_HINT) : wrong('is out of range', `use ${range}`);
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

/** A decimal as Kubernetes writes it, a string; a plain number is taken too. */
export function decimal(isAllowed: (value: number) => boolean, hint: string) {
  return z.union([z.string(), z.number()], { error: 'is not a decimal number' }).transform((value, context) => {
    const number = typeof value === 'number' ? value : /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
    if (Number.isFinite(number) && isAllowed(number)) return number;
    context.addIssue({ code: 'custom', message: wrong('is not a value of this field', hint) });
    return z.NEVER;
  });
}

/** A name in the sense of HTTP: field names, cookie names, subprotocols (RFC 9110, token). */
export const token = z
  .string()
  .regex(
    /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/,
    wrong('is not a token', "use letters, digits and any of !#$%&'*+-.^_`|~"),
  );

type Mapping = Readonly<Record<string, unknown>>;

/** `override` wins field by field, in nested mappings too; sequences are taken whole. */
export function mergeConfig<Config extends object>(base: Config, over: Config): Config {
  return mergeMappings(base as Mapping, over as Mapping) as Config;
}

function mergeMappings(base: Mapping, over: Mapping): Mapping {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = base[key];
    if (value !== undefined) merged[key] = isMapping(below) && isMapping(value) ? mergeMappings(below, value) : value;
  }
  return merged;
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
