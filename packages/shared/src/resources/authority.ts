/**
 * Authorities: what a Host field may hold, `name`, `IPv4` or `[IPv6]`, perhaps with `:port`.
 *
 * As strict as the workers, which pass over a Host that they could not have taken from a client: no empty label, no
 * escapes, no user, no zone. Any thread.
 */
import { isIPv6 } from 'node:net';
import { z } from 'zod';
import { wrong } from './schema.js';

const LENGTH_MAX = 255;
const AUTHORITY = /^(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[([0-9A-Fa-f:.]+)\])(?::(\d{1,5}))?$/;

/** What is wrong with an authority, with the hint; undefined when it is right. */
export function authorityFault(text: string): string | undefined {
  if (text.length > LENGTH_MAX) return wrong(`is longer than ${LENGTH_MAX} characters`);
  const [whole, address, port = '1'] = AUTHORITY.exec(text) ?? [];
  const addressOk = address === undefined || isIPv6(address);
  if (whole !== undefined && addressOk && Number(port) >= 1 && Number(port) <= 65_535) return undefined;
  return wrong('is not a host', 'as in chat.example.com or 10.0.0.1:8080');
}

export const authority = z.string().superRefine((text, context) => {
  const message = authorityFault(text);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});
