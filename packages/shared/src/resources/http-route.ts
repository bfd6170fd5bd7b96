/**
 * Schema of HTTPRoute (gateway.networking.k8s.io/v1): parents, hostnames, matches, filters, weighted backendRefs, timeouts.
 *
 * Every field of the standard is named here: a route that is only partly understood would send requests where its author
 * never meant them to go. What a reference means, and what is said of a field that is not served, is the compiler's
 * question. Any thread.
 * Source: kubernetes-sigs/gateway-api, apis/v1/httproute_types.go and shared_types.go.
 */
import { z } from 'zod';
import { DURATION_HINT, parseDuration } from '../duration.js';
import { annotationKey } from './annotations.js';
import { type HttpFilter, httpFilters } from './http-filter.js';
import { strictResource } from './metadata.js';
import { type PathModifier, pathMatch } from './path-match.js';
import { headerMatches, methodMatch, queryParamMatches } from './request-match.js';
import {
  atMost,
  fields,
  groupName,
  hostname,
  kindName,
  labelName,
  objectName,
  port,
  unserved,
  wholeNumber,
  wrong,
} from './schema.js';

const parentRef = fields({
  group: groupName.default('gateway.networking.k8s.io'),
  kind: kindName.default('Gateway'),
  namespace: labelName.optional(),
  name: objectName,
  sectionName: objectName.optional(),
  port: port.optional(),
});

const backendRef = fields({
  group: groupName.default(''),
  kind: kindName.default('Service'),
  namespace: labelName.optional(),
  name: objectName,
  /** There for every Service. */
  port: port.optional(),
  weight: wholeNumber(0, 1_000_000, 'is not a weight').default(1),
  filters: httpFilters,
}).superRefine(({ group, kind, port: number }, context) => {
  if (group !== '' || kind !== 'Service' || number !== undefined) return;
  context.addIssue({ code: 'custom', path: ['port'], message: wrong('is required', 'name a port of the Service') });
});

const match = fields({
  path: pathMatch.default({ type: 'PathPrefix', value: '/' }),
  headers: headerMatches,
  queryParams: queryParamMatches,
  method: methodMatch.optional(),
});

/** GEP-2257 to the letter; milliseconds. */
const timeout = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: 'custom', message: wrong('is not a duration', DURATION_HINT) });
  return z.NEVER;
});

const timeouts = fields({ request: timeout.optional(), backendRequest: timeout.optional() }).superRefine(
  ({ request = 0, backendRequest = 0 }, context) => {
    if (request === 0 || backendRequest <= request) return;
    const message = wrong('must not be longer than request', 'the request includes every attempt at a backend');
    context.addIssue({ code: 'custom', path: ['backendRequest'], message });
  },
);

const ruleFields = fields({
  name: objectName.optional(),
  matches: z
    .array(match)
    .max(64, atMost(64))
    .default([])
    .transform((matches) => (matches.length === 0 ? [match.parse({})] : matches)),
  filters: httpFilters,
  backendRefs: z.array(backendRef).max(16, atMost(16)).default([]),
  timeouts: timeouts.default({}),
  retry: unserved,
  sessionPersistence: unserved,
});

type Rule = z.infer<typeof ruleFields>;

/** What filters, matches and backendRefs of one rule must not be together. */
function refuseContradictions({ matches, filters, backendRefs }: Rule, context: z.RefinementCtx): void {
  const add = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
  const onePrefix = matches.length === 1 && matches[0]?.path.type === 'PathPrefix';
  const checkPrefixes = (list: readonly HttpFilter[], at: (string | number)[]) => {
    list.forEach((filter, index) => {
      for (const [block, modifier] of pathModifiers(filter)) {
        if (modifier?.type !== 'ReplacePrefixMatch' || onePrefix) continue;
        const hint = 'give the rule exactly one match, of type PathPrefix';
        add(
          [...at, index, block, 'path', 'type'],
          wrong('ReplacePrefixMatch does not fit the matches of the rule', hint),
        );
      }
    });
  };
  checkPrefixes(filters, ['filters']);
  backendRefs.forEach((ref, index) => void checkPrefixes(ref.filters, ['backendRefs', index, 'filters']));
  const redirect = filters.findIndex(({ requestRedirect }) => requestRedirect !== undefined);
  if (redirect >= 0 && backendRefs.length > 0) {
    add(
      ['backendRefs'],
      wrong('must not stand beside a RequestRedirect', 'a redirected request is forwarded to nobody'),
    );
  }
}

function pathModifiers({ requestRedirect, urlRewrite }: HttpFilter): [string, PathModifier | undefined][] {
  return [
    ['requestRedirect', requestRedirect?.path],
    ['urlRewrite', urlRewrite?.path],
  ];
}

const rule = ruleFields.superRefine(refuseContradictions);

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

const MATCHES_MAX = 128;

function refuseManyMatches(rules: readonly Rule[], context: z.RefinementCtx): void {
  const count = rules.reduce((sum, { matches }) => sum + matches.length, 0);
  if (count <= MATCHES_MAX) return;
  const hint = 'write a second HTTPRoute for some of the rules';
  context.addIssue({ code: 'custom', message: wrong(`must have at most ${MATCHES_MAX} matches together`, hint) });
}

const spec = fields({
  parentRefs: z.array(parentRef).max(32, atMost(32)).default([]),
  useDefaultGateways: unserved,
  hostnames: z.array(hostname).max(16, atMost(16)).default([]),
  rules: z
    .array(rule)
    .min(1, wrong('must have at least one rule', 'leave the field out to match every path'))
    .max(16, atMost(16))
    .superRefine(refuseRepeatedNames)
    .superRefine(refuseManyMatches)
    .default(() => [rule.parse({})]),
});

const AT_ABSENT_ORIGIN = ['metadata', 'annotations', annotationKey('HTTPRoute', 'absentOrigin')];

export const httpRouteSchema = strictResource(spec, 'HTTPRoute').superRefine(
  ({ metadata: { annotations } }, context) => {
    if (annotations.absentOrigin === undefined || annotations.allowedOrigins !== undefined) return;
    const message = wrong('has no meaning alone', `write ${annotationKey('HTTPRoute', 'allowedOrigins')} beside it`);
    context.addIssue({ code: 'custom', path: AT_ABSENT_ORIGIN, message });
  },
);

export type HttpRouteSpec = z.infer<typeof spec>;
export type ParentRef = HttpRouteSpec['parentRefs'][number];
export type HttpRouteRule = HttpRouteSpec['rules'][number];
export type BackendRef = HttpRouteRule['backendRefs'][number];
