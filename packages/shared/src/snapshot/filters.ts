/**
 * HTTPRoute filters as the workers apply them.
 *
 * Only what is served becomes part of a snapshot; what is not is told apart by `isUnserved`, and its rule or backendRef
 * answers 500: it is never skipped in silence. RequestMirror asks for nothing: a WebSocket cannot be sent to two. Pure.
 */
import type { CorsFilter } from '../resources/cors-filter.js';
import type { FilterType, HeaderFilter, HttpFilter, RequestRedirect } from '../resources/http-filter.js';
import type { PathModifier } from '../resources/path-match.js';
import type { CorsSnapshot, FiltersSnapshot, HeaderChanges, RedirectSnapshot, RewriteSnapshot } from './rule-policy.js';

/** The port that a scheme has when none is written. */
const WELL_KNOWN_PORTS = { http: 80, https: 443 } as const;

const UNSERVED: ReadonlySet<FilterType> = new Set<FilterType>(['ExternalAuth', 'ExtensionRef']);

/** What a backendRef may have. */
const BACKEND_FILTERS: ReadonlySet<FilterType> = new Set<FilterType>([
  'RequestHeaderModifier',
  'ResponseHeaderModifier',
  'RequestMirror',
]);

/** Whether a rule with this filter cannot be served. */
export function isUnserved({ type }: HttpFilter): boolean {
  return UNSERVED.has(type);
}

/** Whether a backendRef with this filter cannot be served. */
export function isUnservedAtBackend({ type }: HttpFilter): boolean {
  return !BACKEND_FILTERS.has(type);
}

/** What filters come to; null: nothing. Those that are not served are left out. */
export function compileFilters(filters: readonly HttpFilter[]): FiltersSnapshot | null {
  let compiled: FiltersSnapshot = NO_FILTERS;
  for (const filter of filters) compiled = { ...compiled, ...compileFilter(filter) };
  return compiled === NO_FILTERS || isEmpty(compiled) ? null : compiled;
}

const NO_FILTERS: FiltersSnapshot = {
  requestHeaders: null,
  responseHeaders: null,
  rewrite: null,
  redirect: null,
  cors: null,
};

function isEmpty(filters: FiltersSnapshot): boolean {
  return Object.values(filters).every((each) => each === null);
}

function compileFilter(filter: HttpFilter): Partial<FiltersSnapshot> {
  const { requestHeaderModifier, responseHeaderModifier, urlRewrite, requestRedirect, cors } = filter;
  if (requestHeaderModifier !== undefined) return { requestHeaders: headerChanges(requestHeaderModifier) };
  if (responseHeaderModifier !== undefined) return { responseHeaders: headerChanges(responseHeaderModifier) };
  if (urlRewrite !== undefined) return { rewrite: rewriteOf(urlRewrite.hostname, urlRewrite.path) };
  if (requestRedirect !== undefined) return { redirect: redirectOf(requestRedirect) };
  return cors === undefined ? {} : { cors: corsOf(cors) };
}

function headerChanges({ set, add, remove }: HeaderFilter): HeaderChanges | null {
  if (set.length + add.length + remove.length === 0) return null;
  return {
    set: set.map(({ name, value }) => [name, value] as const),
    add: add.map(({ name, value }) => [name, value] as const),
    remove: remove.map((name) => name.toLowerCase()),
  };
}

function rewriteOf(hostname = '', path?: PathModifier): RewriteSnapshot | null {
  return hostname === '' && path === undefined ? null : { hostname, path: pathOf(path) };
}

/** A trailing "/" of the new prefix is ignored, as that of a PathPrefix is (ReplacePrefixMatch). */
function pathOf(path: PathModifier | undefined): RewriteSnapshot['path'] {
  if (path === undefined) return null;
  if (path.type === 'ReplaceFullPath') return { type: 'full', value: path.replaceFullPath ?? '/' };
  const prefix = path.replacePrefixMatch ?? '';
  return { type: 'prefix', value: prefix.endsWith('/') ? prefix.slice(0, -1) : prefix };
}

function redirectOf({ scheme, hostname = '', path, port, statusCode }: RequestRedirect): RedirectSnapshot {
  return { scheme: scheme ?? '', hostname, path: pathOf(path), port: redirectPort(scheme, port), status: statusCode };
}

/**
 * HTTPRequestRedirectFilter.Port: without a port, the scheme's own, or the listener's when there is no scheme either; and
 * a port that is the scheme's own is not written.
 */
function redirectPort(scheme: 'http' | 'https' | undefined, port: number | undefined): number {
  if (scheme === undefined) return port ?? -1;
  return port === undefined || port === WELL_KNOWN_PORTS[scheme] ? 0 : port;
}

function corsOf(cors: CorsFilter): CorsSnapshot {
  return {
    allowOrigins: cors.allowOrigins.map((origin) => origin.toLowerCase()),
    allowCredentials: cors.allowCredentials,
    allowMethods: cors.allowMethods,
    allowHeaders: cors.allowHeaders,
    exposeHeaders: cors.exposeHeaders,
    maxAgeS: cors.maxAge,
  };
}
