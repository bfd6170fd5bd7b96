/**
 * Writes the routing index of a snapshot (routing.ts): what a router would otherwise build out of it, for every listener
 * and host, made once where the snapshot is compiled.
 *
 * Invariant: matches are numbered in the order of `HostSnapshot.matches`, so the smallest number that fits is the answer;
 * of equal hostnames of a listener the first counts. Compiler's thread.
 */
import type { HostSnapshot, ListenerSnapshot, MatchSnapshot } from '../snapshot.js';
import type { KeyWriter } from './key-table.js';
import { hasConditions, MatchLists, type NumberedMatch } from './match-lists.js';
import type { RecordWriter } from './records.js';
import { hostnameKey, type Listener, prefixKey } from './routing.js';
import type { Sections } from './sections.js';

/** The hostnames of a port. */
interface Port {
  readonly scope: number;
  suffixMax: number;
  /** The last listener so far of each hostname. */
  readonly last: Map<string, number>;
}

type ListenerRow = Record<Exclude<keyof typeof Listener, 'columns'>, number>;

/** Paths of a host by type, each with its matches in order. */
type PathGroups = Readonly<Record<MatchSnapshot['pathType'], Map<string, NumberedMatch[]>>>;

export class RoutingWriter {
  readonly #keys: KeyWriter;
  readonly #records: RecordWriter;
  readonly #lists: MatchLists;
  readonly #ports = new Map<number, Port>();
  readonly #rows: ListenerRow[] = [];
  readonly #hosts: number[][] = [];
  readonly #matches: number[] = [];
  #matchCount = 0;

  constructor(keys: KeyWriter, records: RecordWriter) {
    this.#keys = keys;
    this.#records = records;
    this.#lists = new MatchLists(keys);
  }

  /** Listeners in the order of the snapshot. */
  addListener(listener: ListenerSnapshot): void {
    const index = this.#rows.length;
    const hosts = this.#addHosts(listener.hosts);
    const port = this.#portOf(listener.port);
    this.#rows.push({ portScope: port.scope, portSuffixMax: 0, next: -1, ...hosts });
    const key = hostnameKey(listener.hostname);
    const before = port.last.get(key);
    port.last.set(key, index);
    if (before === undefined) this.#keys.add(port.scope, key, index);
    else (this.#rows[before] as ListenerRow).next = index;
    if (key.startsWith('.')) port.suffixMax = Math.max(port.suffixMax, key.length);
  }

  finish(): Pick<Sections, 'listeners' | 'hosts' | 'lists' | 'matches'> {
    const suffixes = new Map([...this.#ports.values()].map(({ scope, suffixMax }) => [scope, suffixMax]));
    return {
      listeners: Int32Array.from(
        this.#rows.flatMap(({ portScope, next, hostScope, hostSuffixMax }) => {
          return [portScope, suffixes.get(portScope) as number, next, hostScope, hostSuffixMax];
        }),
      ),
      hosts: Int32Array.from(this.#hosts.flat()),
      lists: this.#lists.finish(),
      matches: Int32Array.from(this.#matches),
    };
  }

  #portOf(number: number): Port {
    let port = this.#ports.get(number);
    if (port === undefined) {
      port = { scope: this.#keys.reserve(), suffixMax: 0, last: new Map() };
      this.#ports.set(number, port);
    }
    return port;
  }

  #addHosts(hosts: readonly HostSnapshot[]): Pick<ListenerRow, 'hostScope' | 'hostSuffixMax'> {
    const hostScope = this.#keys.reserve();
    let hostSuffixMax = 0;
    const known = new Set<string>();
    for (const host of hosts) {
      const key = hostnameKey(host.hostname);
      if (known.has(key)) continue;
      known.add(key);
      if (key.startsWith('.')) hostSuffixMax = Math.max(hostSuffixMax, key.length);
      this.#keys.add(hostScope, key, this.#addHost(host));
    }
    return { hostScope, hostSuffixMax };
  }

  #addHost({ matches }: HostSnapshot): number {
    const groups: PathGroups = { Exact: new Map(), PathPrefix: new Map(), RegularExpression: new Map() };
    for (const match of matches) {
      const number = this.#addMatch(match);
      const key = match.pathType === 'PathPrefix' ? prefixKey(match.path) : match.path;
      const group = groups[match.pathType];
      const same = group.get(key);
      if (same === undefined) group.set(key, [{ number, match }]);
      else same.push({ number, match });
    }
    const scope = this.#keys.reserve(2);
    const prefixMax = this.#addPaths(scope, groups.PathPrefix);
    const exactMax = this.#addPaths(scope + 1, groups.Exact);
    const patterns = this.#addPatterns(groups.RegularExpression);
    return this.#hosts.push([scope, prefixMax, exactMax, patterns, groups.RegularExpression.size]) - 1;
  }

  #addMatch(match: MatchSnapshot): number {
    const { pathType, path, rule, method, headers, queryParams } = match;
    const conditions = hasConditions(match)
      ? this.#records.share('conditions', JSON.stringify({ method, headers, queryParams }))
      : -1;
    this.#matches.push(rule, pathType === 'PathPrefix' ? prefixKey(path).length : 0, conditions);
    return this.#matchCount++;
  }

  /** Length of the longest, -1 for none. */
  #addPaths(scope: number, paths: ReadonlyMap<string, readonly NumberedMatch[]>): number {
    let longest = -1;
    for (const [path, matches] of paths) {
      this.#keys.add(scope, path, this.#lists.add(matches));
      longest = Math.max(longest, path.length);
    }
    return longest;
  }

  /** Where they are: in the order in which they were found, which is that of their first matches. */
  #addPatterns(patterns: ReadonlyMap<string, readonly NumberedMatch[]>): number {
    const rows = [...patterns].map(([expression, matches]) => {
      const record = this.#records.share('patterns', expression);
      return [record, this.#lists.add(matches), (matches[0] as NumberedMatch).number];
    });
    const at = this.#lists.end;
    for (const row of rows) this.#lists.append(...row);
    return at;
  }
}
