/**
 * Schema of HTTPRoute (gateway.networking.k8s.io/v1): hostnames, matches and weighted backendRefs for now.
 *
 * Every field of the standard is named here, supported or refused: a route that is only partly understood would send
 * requests where its author never meant them to go. Any thread.
 * Source: kubernetes-sigs/gateway-api, apis/v1/httproute_types.go and shared_types.go.
 */
import { z } from 'zod';
import { strictResource } from './metadata.js';
import { pathMatch } from './path-match.js';
import { headerMatches, methodMatch, queryParamMatches } from './request-match.js';
import { choice, fields, hostname, labelName, objectName, port, unsupported, wrong } from './schema.js';

const GATEWAY_GROUP = 'gateway.networking.k8s.io';

const parentRef = fields({
  group: choice([GATEWAY_GROUP], ['']).default(GATEWAY_GROUP),
  kind: choice(['Gateway'], ['Service', 'ListenerSet', 'XListenerSet']).default('Gateway'),
  namespace: labelName.optional(),
  name: objectName,
  sectionName: objectName.optional(),
  port: port.optional(),
});

const backendRef = fields({
  group: choice([''], ['multicluster.x-k8s.io', GATEWAY_GROUP]).default(''),
  kind: choice(['Service'], ['ServiceImport', 'Backend', 'XBackend']).default('Service'),
  namespace: labelName.optional(),
  name: objectName,
  port,
  weight: z
    .int()
    .min(0, wrong('is not a weight', 'use 0 to 1000000'))
    .max(1_000_000, wrong('is not a weight', 'use 0 to 1000000'))
    .default(1),
  filters: unsupported('remove the filters'),
});

const match = fields({
  path: pathMatch.default({ type: 'PathPrefix', value: '/' }),
  headers: headerMatches,
  queryParams: queryParamMatches,
  method: methodMatch.optional(),
});

const rule = fields({
  name: objectName.optional(),
  matches: z
    .array(match)
    .default([])
    .transform((matches) => (matches.length === 0 ? [match.parse({})] : matches)),
  filters: unsupported('remove the filters'),
  backendRefs: z.array(backendRef).default([]),
  timeouts: unsupported('remove the timeouts'),
  retry: unsupported('a failed connect is tried again on up to 3 endpoints without it'),
  sessionPersistence: unsupported('remove the field'),
});

type Rule = z.infer<typeof rule>;

function refuseRepeatedNames(rules: readonly Rule[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  rules.forEach(({ name }, index) => {
    if (name === undefined) return;
    if (seen.has(name)) {
      const message = wrong(`${JSON.stringify(name)} is the name of an earlier rule`, 'give each rule its own name');
      context.addIssue({ code: 'custom', path: [index, 'name'], message });
    }
    seen.add(name);
  });
}

const spec = fields({
  parentRefs: z.array(parentRef).default([]),
  useDefaultGateways: unsupported('name the Gateway in parentRefs'),
  hostnames: z.array(hostname).default([]),
  rules: z
    .array(rule)
    .min(1, wrong('must have at least one rule', 'leave the field out to match every path'))
    .superRefine(refuseRepeatedNames)
    .default(() => [rule.parse({})]),
});

export const httpRouteSchema = strictResource(spec);

export type HttpRouteSpec = z.infer<typeof spec>;
export type ParentRef = HttpRouteSpec['parentRefs'][number];
export type HttpRouteRule = HttpRouteSpec['rules'][number];
export type BackendRef = HttpRouteRule['backendRefs'][number];
