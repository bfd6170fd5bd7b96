/**
 * Answers that a rule has the gateway give by itself, and that refuse nothing: redirects and CORS preflights.
 *
 * Like a refusal, one is a value that policy functions return; the connection ends behind it. Field lines come from the
 * configuration and from strictly parsed requests and hold no line ends. Pure; runs in the workers.
 */

export type OwnAnswerCode = 'redirect' | 'cors-preflight';

const REASONS: Readonly<Record<number, string>> = {
  204: 'No Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
};

export class OwnAnswer {
  readonly code: OwnAnswerCode;
  readonly status: number;
  /** Whole field lines, each with its CR LF. */
  readonly fields: string;
  declare protected readonly brand: never;

  constructor(code: OwnAnswerCode, status: number, fields: string) {
    this.code = code;
    this.status = status;
    this.fields = fields;
  }
}

/** The whole answer, ASCII; `date` and `method` as for `refusalBytes`. A 204 has neither body nor length (RFC 9110 8.6). */
export function ownAnswerBytes(answer: OwnAnswer, requestId: string, date: string, method = ''): string {
  const { code, status, fields } = answer;
  const reason = REASONS[status] ?? '';
  const body = status === 204 ? '' : `sluice: ${status} ${reason} (${code})\n`;
  return (
    `HTTP/1.1 ${status} ${reason}\r\nDate: ${date}\r\n${fields}Connection: close\r\nx-request-id: ${requestId}\r\n` +
    (body === '' ? '\r\n' : `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n`) +
    (method === 'HEAD' ? '' : body)
  );
}
