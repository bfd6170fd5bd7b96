/**
 * Web origins as allow-lists write them: `*`, `https://chat.example.com`, `https://*.example.com:8443`.
 *
 * The form is HTTPCORSFilter's (CORSOrigin): a scheme, a host of which the leftmost part may be `*`, perhaps a port. Any thread.
 */
import { wrong } from './schema.js';

const ORIGIN = /^https?:\/\/(?:\*|(?:\*\.)?(?:[a-z0-9_-]+\.)*[a-z0-9_-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i;

/** What is wrong with an origin, with the hint; undefined when it is right. */
export function originFault(text: string): string | undefined {
  if (text === '*') return undefined;
  const port = ORIGIN.exec(text)?.[1];
  const portOk = port === undefined || (Number(port) >= 1 && Number(port) <= 65535);
  if (text.length <= 253 && ORIGIN.test(text) && portOk) return undefined;
  return wrong('is not an origin', 'as in https://chat.example.com, https://*.example.com or *');
}
