/**
 * HTTP/1.1 heads as bytes: written by hand, so that tests can write wrong ones, and read back as a list of fields
 * in the order and spelling in which they came.
 */
import { createHash } from 'node:crypto';

export type Field = readonly [name: string, value: string];

export const SAMPLE_KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const HEAD_END = '\r\n\r\n';

/** RFC 6455, section 4.2.2: the answer to a Sec-WebSocket-Key. */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/** A start line and fields, as the bytes of a head. */
export function head(startLine: string, fields: readonly Field[]): string {
  return `${[startLine, ...fields.map(([name, value]) => `${name}: ${value}`)].join('\r\n')}${HEAD_END}`;
}

export interface UpgradeOptions {
  readonly method?: string;
  readonly target?: string;
  readonly version?: string;
  readonly host?: string;
  /** Fields that replace the standard one of the same name; `null` leaves it out. */
  readonly set?: Readonly<Record<string, string | null>>;
  /** Fields that follow the standard ones, duplicates included. */
  readonly add?: readonly Field[];
}

/** A correct WebSocket handshake, apart from what the options change. */
export function upgradeHead(options: UpgradeOptions = {}): string {
  const { method = 'GET', target = '/echo', version = 'HTTP/1.1', host = 'test.local', set = {}, add = [] } = options;
  const standard: Field[] = [
    ['Host', host],
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', SAMPLE_KEY],
  ];
  const fields = standard.flatMap(([name, value]): Field[] => {
    const chosen = name in set ? set[name] : value;
    return chosen === null || chosen === undefined ? [] : [[name, chosen]];
  });
  return head(`${method} ${target} ${version}`, [...fields, ...add]);
}

/** A head that was received. */
export class ReceivedHead {
  readonly startLine: string;
  readonly fields: readonly Field[];

  constructor(readonly raw: string) {
    const [startLine = '', ...lines] = raw.slice(0, -HEAD_END.length).split('\r\n');
    this.startLine = startLine;
    this.fields = lines.map((line): Field => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
  }

  /** Status of an answer, `NaN` for a request. */
  get status(): number {
    return Number(this.startLine.split(' ')[1]);
  }

  /** Request target of a request. */
  get target(): string {
    return this.startLine.split(' ')[1] ?? '';
  }

  all(name: string): string[] {
    return this.fields.filter(([field]) => field.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  }

  /** The value of a field that comes once; undefined when it is absent; throws when it comes more often. */
  one(name: string): string | undefined {
    const values = this.all(name);
    if (values.length > 1) {
      throw new Error(`${name} came ${values.length} times in:\n${this.raw}`);
    }
    return values[0];
  }
}

/** The first head in `bytes` and what lies behind it; undefined when the head is not complete. */
export function splitHead(bytes: Buffer): { head: ReceivedHead; rest: Buffer } | undefined {
  const at = bytes.indexOf(HEAD_END, 0, 'latin1');
  if (at < 0) {
    return undefined;
  }
  const end = at + HEAD_END.length;
  return { head: new ReceivedHead(bytes.toString('latin1', 0, end)), rest: bytes.subarray(end) };
}
