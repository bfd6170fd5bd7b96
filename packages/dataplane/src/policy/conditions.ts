/**
 * What a match wants beside the path (method, headers, query parameters), ready to be asked: all of it, each value as a
 * whole. Runs in the workers.
 */
import type { MatchSnapshot, ValueMatchSnapshot } from '@sluice/shared/snapshot/snapshot';
import { Expression } from './expression.js';
import type { RequestView } from './request-match.js';

interface WantedValue {
  readonly name: string;
  readonly value: string | Expression;
}

function wantedValue({ name, value, regex }: ValueMatchSnapshot): WantedValue {
  return { name, value: regex ? new Expression(value) : value };
}

function isMet(wanted: string | Expression, value: string | undefined, request: RequestView): boolean {
  if (typeof wanted === 'string') return value === wanted;
  return value !== undefined && request.matches(wanted, value);
}

export class Conditions {
  readonly #method: string;
  readonly #headers: readonly WantedValue[];
  readonly #parameters: readonly WantedValue[];

  constructor({ method, headers, queryParams }: Pick<MatchSnapshot, 'method' | 'headers' | 'queryParams'>) {
    this.#method = method;
    this.#headers = headers.map(wantedValue);
    this.#parameters = queryParams.map(wantedValue);
  }

  /** Of a record of the routing index. */
  static parse(json: string): Conditions {
    return new Conditions(JSON.parse(json) as ConstructorParameters<typeof Conditions>[0]);
  }

  /** Whether the request is all that is wanted. */
  metBy(request: RequestView): boolean {
    if (this.#method !== '' && this.#method !== request.method) return false;
    for (const { name, value } of this.#headers) if (!isMet(value, request.header(name), request)) return false;
    for (const { name, value } of this.#parameters) if (!isMet(value, request.parameter(name), request)) return false;
    return true;
  }
}
