/**
 * What keeps a process from Redis, as words for an operator: what Redis or its client library said, and what would be right.
 *
 * Nothing of a URL or a password gets in here. Pure.
 */

/** By the code at the beginning of an answer of Redis. */
const HINTS: Readonly<Record<string, string>> = {
  NOAUTH: 'give a password, in the URL or as SLUICE_REDIS_PASSWORD',
  WRONGPASS: 'check user and password',
  NOPERM: 'docs/redis.md has the rights that the user needs',
};

/** The library's words for an attempt in which no sentinel gave an address, unreachable or not. */
const NO_MASTER = /^All sentinels are unreachable(?: and retry is disabled)?\.?(?: Last error: (.*))?$/s;

/** OpenSSL's words for a certificate whose authority is not known. */
const UNTRUSTED = /^self-signed certificate|^unable to (verify|get)\b.*certificate/;

/** `message` of an error of Redis or of the client library, with what would be right where that is known. */
export function redisWords(message: string): string {
  const sentinels = NO_MASTER.exec(message);
  if (sentinels !== null) {
    const [, last] = sentinels;
    return last === undefined
      ? 'no sentinel knows a master of that name'
      : `no sentinel could be asked for the master; the last one: ${last}`;
  }
  if (message.startsWith('Protocol error')) return 'what answers is no Redis; a port that speaks TLS wants rediss://';
  if (UNTRUSTED.test(message)) return `${message}; --redis-ca names the file of the CA that signed it`;
  const hint = HINTS[/\b(NOAUTH|WRONGPASS|NOPERM)\b/.exec(message)?.[0] ?? ''];
  return hint === undefined ? message : `${message.replace(/\.$/, '')}; ${hint}`;
}

/** The library's words for a stream that was closed before it could be used. */
const CLOSED_EARLY = /^Stream isn't writeable/;
const CLOSED = 'the connection was closed before Redis answered';

/** The same of an attempt that is not up yet: its error, or '' for a close without one. `tls`: it is over TLS. */
export function attemptWords(message: string, tls: boolean): string {
  const closed = message === '' || CLOSED_EARLY.test(message);
  if (!tls && (closed || message.includes('ECONNRESET'))) {
    return `${closed ? CLOSED : message}; a port that speaks TLS wants rediss://`;
  }
  return closed ? CLOSED : redisWords(message);
}

/** Why an attempt was given up. A server without TLS waits for the end of a line that never comes. */
export function givenUpWords(reason: string, tls: boolean): string {
  return tls ? `${reason}; is it a port that speaks TLS?` : reason;
}
