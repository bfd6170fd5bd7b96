/**
 * Names and values of HTTP header fields as manifests write them.
 *
 * The names are tokens (RFC 9110 5.6.2), as in the CRD. Any thread.
 */
import { z } from 'zod';
import { wrong } from './schema.js';

const NAME_CHARACTERS = /^[-A-Za-z0-9!#$%&'*+.^_`|~]+$/;
/**
 * What of a header value can arrive: white space around it is no part of it (RFC 9110 5.5). Stricter than the standard
 * channel's CRD, which has no pattern; the same characters as in the experimental one's.
 */
const VALUE_CHARACTERS = /^[!-~](?:[\t -~]*[!-~])?$/;
const VALUE_LENGTH_MAX = 4096;

/** A token; `what` is what it names. */
export const tokenName = (what: string) =>
  z
    .string()
    .max(256, wrong('is longer than 256 characters'))
    .regex(NAME_CHARACTERS, wrong(`is not the name of a ${what}`, "use letters, digits and !#$%&'*+-.^_`|~"));

export const headerName = tokenName('header');

/** A text that must be there, of bounded length. */
export const presentText = (lengthMax: number) =>
  z
    .string()
    .min(1, wrong('is empty', 'give the value that is wanted'))
    .max(lengthMax, wrong(`is longer than ${lengthMax} characters`));

/** What is wrong with the characters of a header's value, with the hint; that it is empty is said elsewhere. */
export function headerValueFault(text: string): string | undefined {
  if (text === '' || VALUE_CHARACTERS.test(text)) return undefined;
  return wrong('is not a header value', 'use printable ASCII without white space around it');
}

export const headerValue = presentText(VALUE_LENGTH_MAX).superRefine((text, context) => {
  const fault = headerValueFault(text);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
});
