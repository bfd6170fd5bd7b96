/**
 * Hostnames that take a host, from the most to the least specific: the exact name, then wildcards from the longest suffix
 * on, then `''`, which takes every host (Gateway API, Listener.hostname and HTTPRoute.hostnames).
 *
 * Invariant: cost is bounded by the labels of the longest configured wildcard, not by the number of names; nothing is
 * allocated. Pure; runs in the workers.
 */
import { type KeyTable, NO_KEY } from '@sluice/shared/snapshot/flat/key-table';

const DOT = 0x2e;

export class HostTable {
  readonly #keys: KeyTable;
  /** What the hostnames found last lead to; reused. */
  readonly #found: number[] = [];

  constructor(keys: KeyTable) {
    this.#keys = keys;
  }

  /**
   * What the hostnames of a scope that take the host lead to, most specific first; read it before the next call.
   * `suffixMax`: length of the longest wildcard's key, 0 when there is none. `host`: lower case, without port.
   */
  find(scope: number, suffixMax: number, host: string): readonly number[] {
    this.#found.length = 0;
    if (host !== '' && host.charCodeAt(0) !== DOT) this.#add(scope, host, 0);
    if (suffixMax > 0) this.#addSuffixes(scope, suffixMax, host);
    this.#add(scope, host, host.length);
    return this.#found;
  }

  /** The wildcard stands for at least one character: the dot is never the first. */
  #addSuffixes(scope: number, suffixMax: number, host: string): void {
    let dot = host.indexOf('.', Math.max(1, host.length - suffixMax));
    while (dot > 0) {
      this.#add(scope, host, dot);
      dot = host.indexOf('.', dot + 1);
    }
  }

  #add(scope: number, host: string, from: number): void {
    const value = this.#keys.find(scope, host, from, host.length);
    if (value !== NO_KEY) this.#found.push(value);
  }
}
