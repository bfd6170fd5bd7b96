/**
 * The words that the schemas are written in: strict objects, fields that are refused, names, hostnames, ports.
 *
 * A zod message here has two lines, what is wrong and what would be right; explain.ts takes them apart. An absent field
 * and a null one are the same, as in Kubernetes (parse.ts drops nulls before it asks a schema). Any thread.
 */
import { z } from 'zod';

// Code made for each schema costs more than it saves: 10 ms of every start, and a sixth of reading 3 000 services.
z.config({ jitless: true });

export const NOT_SUPPORTED = 'not supported yet';

/** Message and hint of a zod issue in one string. */
export function wrong(message: string, hint = ''): string {
  return hint === '' ? message : `${message}\n${hint}`;
}

/** A standard field that is not supported, and without which a configuration may be less safe: present means an error. */
export function unsupported(hint: string) {
  return z.undefined({ error: wrong(NOT_SUPPORTED, hint) }).optional();
}

/** One without which nothing is less safe: any value is taken, and the compiler says in a condition that it is not served. */
export const unserved = z.unknown().optional();

/** An object in which a field without a schema is an error. */
export function fields<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape).filter((key) => !isUnsupported(shape[key]));
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? wrong('unknown field', `known here: ${known.join(', ')}`) : undefined,
  });
}

function isUnsupported(schema: unknown): boolean {
  return schema instanceof z.ZodOptional && schema.unwrap() instanceof z.ZodUndefined;
}

/** Of a list with more than `max` entries, as many as the standard's own definitions take. */
export function atMost(max: number): string {
  return wrong(`must have at most ${max} entries`);
}

/** One of `supported`; one of `standard` is refused as not supported yet, anything else as wrong. */
export function choice<const Value extends string>(supported: readonly Value[], standard: readonly string[] = []) {
  const hint = `use ${supported.map((value) => value || '""').join(' or ')}`;
  return z.enum(supported as readonly [Value, ...Value[]], {
    error: (issue) => {
      if (typeof issue.input !== 'string') return wrong(`must be a string, not ${foundName(issue.input)}`, hint);
      const quoted = JSON.stringify(issue.input);
      return standard.includes(issue.input)
        ? wrong(`${quoted} is ${NOT_SUPPORTED}`, hint)
        : wrong(`${quoted} is not a value of this field`, hint);
    },
  });
}

/** What a value is, for messages: `a mapping`, `the number 1`. */
export function foundName(found: unknown): string {
  if (Array.isArray(found)) return 'a sequence';
  if (found === null) return 'null';
  if (typeof found === 'object') return 'a mapping';
  return `the ${typeof found} ${typeof found === 'number' ? found : JSON.stringify(found)}`;
}

const LABEL = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';
const LABEL_HINT = 'use at most 63 lower-case letters, digits and "-"';
const LABEL_PATTERN = new RegExp(`^${LABEL}$`);
const SUBDOMAIN_PATTERN = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
const HOSTNAME_PATTERN = new RegExp(`^(?:\\*\\.)?${LABEL}(?:\\.${LABEL})*$`);
const IPV4_PATTERN = /^\d{1,3}(?:\.\d{1,3}){3}$/;

/** A name as RFC 1123 subdomain: most objects, section names. */
export const objectName = z
  .string()
  .max(253, wrong('is longer than 253 characters'))
  .regex(SUBDOMAIN_PATTERN, wrong('is not a valid name', 'use lower-case letters, digits, "-" and "."'));

/** A name as RFC 1123 label: namespaces, port names. */
export const labelName = z.string().regex(LABEL_PATTERN, wrong('is not a valid name', LABEL_HINT));

/** The name of a slice's port; `''` is the port without a name. */
export const portName = z
  .string()
  .refine((value) => value === '' || LABEL_PATTERN.test(value), wrong('is not a valid name', LABEL_HINT));

/** A hostname of a listener or a route, perhaps with a wildcard as its first label. */
export const hostname = z
  .string()
  .max(253, wrong('is longer than 253 characters'))
  .regex(HOSTNAME_PATTERN, wrong('is not a hostname', 'use lower-case labels, as in chat.example.com or *.example.com'))
  .refine((value) => !IPV4_PATTERN.test(value), wrong('is an IP address', 'a hostname is expected'));

/** A hostname without a wildcard. */
export const preciseHostname = hostname.refine(
  (value) => !value.startsWith('*'),
  wrong('is a wildcard', 'one host is expected, as in chat.example.com'),
);

/** The group of a kind; `''` is the core group. */
export const groupName = z
  .string()
  .max(253, wrong('is longer than 253 characters'))
  .refine(
    (value) => value === '' || SUBDOMAIN_PATTERN.test(value),
    wrong('is not a group', 'as in gateway.networking.k8s.io; "" is the core group'),
  );

/** The name of a kind. */
export const kindName = z
  .string()
  .regex(/^[A-Za-z](?:[-A-Za-z0-9]{0,61}[A-Za-z0-9])?$/, wrong('is not the name of a kind', 'as in Service'));

/** A whole number from `min` to `max`; `what` is said of any other. */
export function wholeNumber(min: number, max: number, what = 'is out of range') {
  const message = wrong(what, `use ${min} to ${max}`);
  // The type itself refuses numbers beyond what is safe, in words of its own.
  const error = ({ code }: { readonly code: string }) => (code === 'invalid_type' ? undefined : message);
  return z.int({ error }).min(min, message).max(max, message);
}

/** A TCP port. */
export const port = wholeNumber(1, 65535, 'is not a port');
