/**
 * Schemas of HTTPMethod, HTTPHeaderMatch and HTTPQueryParamMatch: what a rule wants of a request beside its path.
 *
 * The rules are the CRD's (httproute_types.go): names are tokens (RFC 9110 5.6.2), at most 16 of each kind. Several of
 * one name are let through here, for only the first counts: the compiler says so. Any thread.
 */
import { z } from 'zod';
import { headerName, headerValueFault, presentText, tokenName } from './header-field.js';
import { regexFault } from './regular-expression.js';
import { choice, fields, wrong } from './schema.js';

const ENTRIES_MAX = 16;

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'] as const;

/** One of the standard's methods, in upper case: methods are case-sensitive. */
export const methodMatch = choice(METHODS);

const matchType = choice(['Exact', 'RegularExpression']).default('Exact');

interface ValueMatch {
  readonly type: 'Exact' | 'RegularExpression';
  readonly value: string;
}

/** Checks the value as its type wants it. */
function checkValue(exactFault: (value: string) => string | undefined) {
  return ({ type, value }: ValueMatch, context: z.RefinementCtx): void => {
    const fault = type === 'RegularExpression' ? regexFault(value) : exactFault(value);
    if (fault !== undefined) context.addIssue({ code: 'custom', path: ['value'], message: fault });
  };
}

const headerMatch = fields({ type: matchType, name: headerName, value: presentText(4096) }).superRefine(
  checkValue(headerValueFault),
);

/** Name and value stand for what percent-decoding gives. */
const queryParamMatch = fields({
  type: matchType,
  name: tokenName('query parameter'),
  value: presentText(1024),
}).superRefine(checkValue(() => undefined));

const TOO_MANY = wrong(`must have at most ${ENTRIES_MAX} entries`, 'write another match');

export const headerMatches = z.array(headerMatch).max(ENTRIES_MAX, TOO_MANY).default([]);
export const queryParamMatches = z.array(queryParamMatch).max(ENTRIES_MAX, TOO_MANY).default([]);
