/**
 * The access-log fields that TypeScript knows, as JSON members; the engine writes its own around them and copies them,
 * so nothing here is kept.
 *
 * Invariant: with `{` and `}` around them they are one JSON object, in ASCII, on one line, whatever a peer sent; every
 * value of a peer is bounded, and secrets in URIs are redacted before they are cut. `-` stands for what is not known.
 * Pure; runs in the workers.
 */
import type { EndpointSnapshot } from '../worker/messages.js';
import { Field } from './field-name.js';
import { firstValue } from './fields.js';
import type { RequestHead } from './head.js';
import { jsonString } from './json-string.js';
import type { OwnAnswerCode } from './own-answer.js';
import { redactQuery } from './redact-query.js';
import type { RefusalCode } from './refusal.js';

export interface LogRecord {
  /** `namespace/name` of the Gateway; '' when it is not known. */
  readonly frontendName: string;
  readonly frontendPort: number;
  /** Name of the listener; '' when no listener took the request. */
  readonly listener: string;
  /** `namespace/name` of the HTTPRoute; '' when none matched. */
  readonly route: string;
  /** undefined when no head was read or it did not parse. */
  readonly request: RequestHead | undefined;
  /** Size of a request head that did not parse, bytes; with `request` it is not looked at. */
  readonly requestHeaderBytes: number;
  /** Status that the client got; 0 when it got none. */
  readonly status: number;
  /** Of the client; null for plain TCP, or when it is not known. */
  readonly tls: { readonly protocol: string; readonly cipher: string } | null;
  /** The request came over HTTP/2: `request` is what it says in the form of HTTP/1.1. */
  readonly http2: boolean;
  /** Size of the head that the client got; 0 when it got none. */
  readonly responseHeaderBytes: number;
  /** x-request-id; '' when there is none. */
  readonly requestId: string;
  readonly endpoint: EndpointSnapshot | undefined;
  /** To the first byte of the backend's answer, ms; undefined when it gave none. */
  readonly backendResponseLatencyMs: number | undefined;
  /** Of the gateway's own answer; undefined when it was the backend's, or none. */
  readonly refusal: RefusalCode | OwnAnswerCode | undefined;
  /** Why it was refused, in words, where the code does not say it all; '' else. */
  readonly refusalReason: string;
}

/** Longest text of a URI, a user agent, a referer, characters as escaped; and of any other text. */
const LONG_TEXT_MAX = 2048;
const TEXT_MAX = 512;

const NO_BACKEND = '"backendHost":"-","backendIp":"-","backendPort":"-"';

/** JSON members without braces and outer commas; see binding.ts for those that the engine writes. */
export function logFields(record: LogRecord): string {
  const { endpoint, status, responseHeaderBytes, backendResponseLatencyMs: latency } = record;
  return (
    `"msg":"access","frontendName":${text(record.frontendName)},"frontendPort":${record.frontendPort},` +
    `"listener":${text(record.listener)},"route":${text(record.route)},` +
    `${requestMembers(record)},` +
    `"httpStatusCode":${status === 0 ? '"-"' : status},"responseHeaderBytes":${responseHeaderBytes},` +
    `"tlsCipher":${text(record.tls?.cipher ?? '')},"tlsProtocol":${text(record.tls?.protocol ?? '')},` +
    `"trackingId":${text(record.requestId)},` +
    `${endpoint === undefined ? NO_BACKEND : backendMembers(endpoint)},` +
    `"backendResponseLatency":${latency === undefined ? '"-"' : milliseconds(latency)},` +
    `"refusal":"${record.refusal ?? '-'}","refusalReason":${text(record.refusalReason)}`
  );
}

function requestMembers({ request, requestHeaderBytes, http2 }: LogRecord): string {
  if (request === undefined) {
    return (
      '"hostName":"-","httpMethod":"-","httpVersion":"-","referer":"-",' +
      `"requestHeaderBytes":${requestHeaderBytes},"requestUri":"-","userAgent":"-"`
    );
  }
  return (
    `"hostName":${text(request.host)},"httpMethod":${text(request.method)},` +
    `"httpVersion":"HTTP/${http2 ? '2.0' : `1.${request.minorVersion}`}",` +
    `"referer":${longText(redactQuery(firstValue(request.fields, Field.referer) ?? ''))},` +
    `"requestHeaderBytes":${request.bytes},"requestUri":${longText(redactQuery(request.target))},` +
    `"userAgent":${longText(firstValue(request.fields, Field.userAgent) ?? '')}`
  );
}

function backendMembers(endpoint: EndpointSnapshot): string {
  const { address, port } = endpoint;
  const host = address.includes(':') ? `[${address}]` : address;
  return `"backendHost":"${host}:${port}","backendIp":"${address}","backendPort":${port}`;
}

/** Three decimals, from whole numbers: printing a fraction costs more than all of this. */
function milliseconds(value: number): string {
  const micros = Math.round(value * 1000);
  return `${Math.floor(micros / 1000)}.${String(1000 + (micros % 1000)).slice(1)}`;
}

function text(value: string): string {
  return value === '' ? '"-"' : jsonString(value, TEXT_MAX);
}

function longText(value: string): string {
  return value === '' ? '"-"' : jsonString(value, LONG_TEXT_MAX);
}
