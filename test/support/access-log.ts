/** The access log of a gateway under test: waits for records and holds every one to the documented shape. */
import { readFileSync } from 'node:fs';
import { eventually } from './eventually.js';

/** facts.md of the product's behaviour, and docs: the fields of every record. */
export const RECORD_FIELDS = [
  'level',
  'time',
  'clientIp',
  'backendHost',
  'backendIp',
  'backendPort',
  'backendResponseLatency',
  'backendTimeTaken',
  'frontendName',
  'frontendPort',
  'hostName',
  'httpMethod',
  'httpStatusCode',
  'httpVersion',
  'referer',
  'requestBodyBytes',
  'requestHeaderBytes',
  'requestUri',
  'responseBodyBytes',
  'responseHeaderBytes',
  'timeTaken',
  'tlsCipher',
  'tlsProtocol',
  'trackingId',
  'userAgent',
  'closeReason',
] as const;
export type AccessRecord = Readonly<Record<(typeof RECORD_FIELDS)[number], string | number>> &
  Readonly<Record<string, string | number | undefined>>;

export const CLOSE_REASONS: ReadonlySet<string> = new Set([
  'client-closed',
  'backend-closed',
  'client-reset',
  'backend-reset',
  'client-vanished',
  'backend-vanished',
  'idle-timeout',
  'half-close-timeout',
  'lifetime',
  'drain-timeout',
  'worker-lost',
  'refused',
  'relayed',
  'relay-truncated',
  'client-aborted',
  'request-timeout',
  'internal-error',
  'endpoint-unhealthy',
  'endpoint-draining',
  'endpoint-removed',
  'route-removed',
  'listener-removed',
  'tls-failed',
  'client-truncated',
  'malformed-proxy-header',
  'http2-flood',
  'http2-protocol',
  'backend-truncated',
]);

/** The records in a log's text. Throws on a torn line, a missing field or an unknown close reason. */
export function parseRecords(text: string): AccessRecord[] {
  const lines = text.split('\n');
  lines.pop();
  return lines.map((line) => {
    const record = JSON.parse(line) as AccessRecord;
    const missing = RECORD_FIELDS.filter((field) => record[field] === undefined);
    if (missing.length > 0) {
      throw new Error(`the record lacks ${missing.join(', ')}: ${line}`);
    }
    if (!CLOSE_REASONS.has(String(record.closeReason))) {
      throw new Error(`unknown close reason: ${line}`);
    }
    return record;
  });
}

export class AccessLog {
  constructor(readonly path: string) {}

  records(path = this.path): AccessRecord[] {
    return parseRecords(readFileSync(path, 'utf8'));
  }

  /** Waits for the one record that matches every field of `want`. */
  async record(want: Readonly<Record<string, string | number>>, budgetMs = 5_000): Promise<AccessRecord> {
    return await eventually(
      () => {
        const records = this.records();
        const found = records.filter((record) => Object.entries(want).every(([name, value]) => record[name] === value));
        if (found.length !== 1) {
          const seen = records.slice(-5).map((record) => JSON.stringify(record));
          throw new Error(`${found.length} records match ${JSON.stringify(want)}; last ones:\n${seen.join('\n')}`);
        }
        return found[0] as AccessRecord;
      },
      { budgetMs },
    );
  }

  /** Waits for the record whose request target contains `part`. */
  async recordOf(part: string, budgetMs = 5_000): Promise<AccessRecord> {
    return await eventually(
      () => {
        const found = this.records().filter((record) => String(record.requestUri).includes(part));
        if (found.length !== 1) {
          throw new Error(`${found.length} records for ${part}; ${this.records().length} in all`);
        }
        return found[0] as AccessRecord;
      },
      { budgetMs },
    );
  }
}
