/**
 * Schemas of HTTPMethod, HTTPHeaderMatch and HTTPQueryParamMatch: what a rule wants of a request beside its path.
 *
 * The rules are the CRD's (httproute_types.go): names are tokens (RFC 9110 5.6.2), at most 16 of each kind. Several of
 * one name are let through here, for only the first counts: the compiler says so. Any thread.
 */
import { z } from 'zod';
import { choice, fields, wrong } from './schema.js';

const ENTRIES_MAX = 16;
const NAME_CHARACTERS = /^[-A-Za-z0-9!#$%&'*+.^_`|~]+$/;
/**
 * What of a header value can arrive: white space around it is no part of it (RFC 9110 5.5). Stricter than the standard
 * channel's CRD, which has no pattern; the same characters as in the experimental one's.
 */
const VALUE_CHARACTERS = /^[!-~](?:[\t -~]*[!-~])?$/;

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'] as const;

/** One of the standard's methods, in upper case: methods are case-sensitive. */
export const methodMatch = choice(METHODS);

const matchType = choice(['Exact'], ['RegularExpression']).default('Exact');

const name = (what: string) =>
  z
    .string()
    .max(256, wrong('is longer than 256 characters'))
    .regex(NAME_CHARACTERS, wrong(`is not the name of a ${what}`, "use letters, digits and !#$%&'*+-.^_`|~"));

const value = (lengthMax: number) =>
  z
    .string()
    .min(1, wrong('is empty', 'give the value that is wanted'))
    .max(lengthMax, wrong(`is longer than ${lengthMax} characters`));

const headerMatch = fields({
  type: matchType,
  name: name('header'),
  value: value(4096).refine(
    (text) => text === '' || VALUE_CHARACTERS.test(text),
    wrong('is not a header value', 'use printable ASCII without white space around it'),
  ),
});

/** Name and value stand for what percent-decoding gives. */
const queryParamMatch = fields({
  type: matchType,
  name: name('query parameter'),
  value: value(1024),
});

const TOO_MANY = wrong(`must have at most ${ENTRIES_MAX} entries`, 'write another match');

export const headerMatches = z.array(headerMatch).max(ENTRIES_MAX, TOO_MANY).default([]);
export const queryParamMatches = z.array(queryParamMatch).max(ENTRIES_MAX, TOO_MANY).default([]);
