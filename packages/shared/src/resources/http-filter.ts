/**
 * Schemas of HTTPRouteFilter: what a rule, or one of its backendRefs, does to a request and its answer.
 *
 * The rules between fields are the CRD's: the block is the one that `type` names, most types at most once, no rewrite beside
 * a redirect. Types that Sluice does not serve are let through whole: the compiler breaks their rule and says why. Any thread.
 * Source: kubernetes-sigs/gateway-api, apis/v1/httproute_types.go.
 */
import { z } from 'zod';
import { authorityFault } from './authority.js';
import { corsFilter } from './cors-filter.js';
import { headerName, headerValue } from './header-field.js';
import { localRef } from './object-ref.js';
import { pathModifier } from './path-match.js';
import {
  atMost,
  choice,
  fields,
  foundName,
  groupName,
  kindName,
  labelName,
  objectName,
  port,
  preciseHostname,
  wholeNumber,
  wrong,
} from './schema.js';

const TOO_MANY = atMost(16);

const header = fields({ name: headerName, value: headerValue });

/** HTTPHeaderFilter: one action for each name, however it is spelt. */
export const headerFilter = fields({
  set: z.array(header).max(16, TOO_MANY).default([]),
  add: z.array(header).max(16, TOO_MANY).default([]),
  remove: z.array(headerName).max(16, TOO_MANY).default([]),
}).superRefine(({ set, add, remove }, context) => {
  const seen = new Set<string>();
  const check = (name: string, path: (string | number)[]) => {
    const key = name.toLowerCase();
    if (seen.has(key)) {
      const message = wrong(
        `${JSON.stringify(name)} already has an action in this filter`,
        'give each header one action',
      );
      context.addIssue({ code: 'custom', path, message });
    }
    seen.add(key);
  };
  set.forEach(({ name }, index) => void check(name, ['set', index, 'name']));
  add.forEach(({ name }, index) => void check(name, ['add', index, 'name']));
  remove.forEach((name, index) => void check(name, ['remove', index]));
});

/** Host alone is what a request must have, and what a backend could refuse. */
const requestHeaderFilter = headerFilter.superRefine(({ set }, context) => {
  set.forEach(({ name, value }, index) => {
    const message = name.toLowerCase() === 'host' ? authorityFault(value) : undefined;
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['set', index, 'value'], message });
  });
});

const fraction = fields({
  numerator: wholeNumber(0, 2_147_483_647),
  denominator: wholeNumber(1, 2_147_483_647).default(100),
}).refine(({ numerator, denominator }) => numerator <= denominator, {
  path: ['numerator'],
  message: wrong('is greater than the denominator', 'a fraction of the requests is at most all of them'),
});

const requestMirror = fields({
  backendRef: fields({
    group: groupName.default(''),
    kind: kindName.default('Service'),
    namespace: labelName.optional(),
    name: objectName,
    port: port.optional(),
  }),
  percent: wholeNumber(0, 100).optional(),
  fraction: fraction.optional(),
}).refine(({ percent, fraction: part }) => percent === undefined || part === undefined, {
  path: ['fraction'],
  message: wrong('must not stand beside percent', 'keep one of them'),
});

/** The status codes that a redirect may have. */
const REDIRECT_CODES = [301, 302, 303, 307, 308] as const;

const statusCode = z.literal(REDIRECT_CODES, {
  error: (issue) =>
    typeof issue.input === 'number'
      ? wrong(`${issue.input} is not the status of a redirect`, `use ${REDIRECT_CODES.join(', ')}`)
      : wrong(`must be a number, not ${foundName(issue.input)}`, `use ${REDIRECT_CODES.join(', ')}`),
});

const requestRedirect = fields({
  scheme: choice(['http', 'https']).optional(),
  hostname: preciseHostname.optional(),
  path: pathModifier.optional(),
  port: port.optional(),
  statusCode: statusCode.default(302),
});

const urlRewrite = fields({
  hostname: preciseHostname.optional(),
  path: pathModifier.optional(),
});

/** Sluice asks nobody else: the block is not looked into. */
const externalAuth = z.record(z.string(), z.unknown());

/** The block that each type has. */
const BLOCKS = {
  RequestHeaderModifier: 'requestHeaderModifier',
  ResponseHeaderModifier: 'responseHeaderModifier',
  RequestMirror: 'requestMirror',
  RequestRedirect: 'requestRedirect',
  URLRewrite: 'urlRewrite',
  CORS: 'cors',
  ExternalAuth: 'externalAuth',
  ExtensionRef: 'extensionRef',
} as const;

export type FilterType = keyof typeof BLOCKS;

/** Types of which a rule may have several. */
const REPEATABLE: readonly FilterType[] = ['RequestMirror', 'ExtensionRef', 'ExternalAuth'];

export const httpFilter = fields({
  type: choice(Object.keys(BLOCKS) as FilterType[]),
  requestHeaderModifier: requestHeaderFilter.optional(),
  responseHeaderModifier: headerFilter.optional(),
  requestMirror: requestMirror.optional(),
  requestRedirect: requestRedirect.optional(),
  urlRewrite: urlRewrite.optional(),
  cors: corsFilter.optional(),
  externalAuth: externalAuth.optional(),
  extensionRef: localRef.optional(),
}).superRefine((filter, context) => {
  const wanted = BLOCKS[filter.type];
  const add = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
  if (filter[wanted] === undefined) add(wanted, wrong(`is required with type: ${filter.type}`));
  for (const [type, block] of Object.entries(BLOCKS)) {
    if (block !== wanted && filter[block] !== undefined) {
      add(block, wrong(`must not be there with type: ${filter.type}`, `write a filter of its own with type: ${type}`));
    }
  }
});

export type HttpFilter = z.infer<typeof httpFilter>;
export type HeaderFilter = z.infer<typeof headerFilter>;
export type RequestRedirect = z.infer<typeof requestRedirect>;

function refuseCombinations(filters: readonly HttpFilter[], context: z.RefinementCtx): void {
  const seen = new Set<FilterType>();
  filters.forEach(({ type }, index) => {
    const add = (message: string) => context.addIssue({ code: 'custom', path: [index, 'type'], message });
    if (seen.has(type) && !REPEATABLE.includes(type)) {
      add(wrong(`${type} is already the type of an earlier filter`, 'write one filter of this type'));
    }
    seen.add(type);
    const clash = type === 'URLRewrite' ? 'RequestRedirect' : type === 'RequestRedirect' ? 'URLRewrite' : undefined;
    if (clash !== undefined && seen.has(clash)) {
      add(wrong(`${type} must not stand beside ${clash}`, 'a redirected request is forwarded to nobody'));
    }
  });
}

export const httpFilters = z.array(httpFilter).max(16, TOO_MANY).default([]).superRefine(refuseCombinations);
