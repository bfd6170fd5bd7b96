/** Notices of the handshake, as lines of the log: of each kind one a second at most, saying how many were left out. */
import type { MessagePort } from 'node:worker_threads';
import { sparingly } from './error-report.js';
import type { Notice } from './handshake-context.js';
import type { ToPrimary } from './messages.js';

/** Messages are fixed texts of the code: there are as many reports as kinds. */
export function createNoticeReport(port: Pick<MessagePort, 'postMessage'>): (notice: Notice) => void {
  const reports = new Map<string, (detail: unknown) => void>();
  return ({ message, detail }) => {
    let report = reports.get(message);
    if (report === undefined) {
      report = sparingly((latest, suppressed) => {
        const line: ToPrimary = {
          type: 'log',
          level: 'warn',
          message,
          detail: { ...(latest as Notice['detail']), suppressed },
        };
        port.postMessage(line);
      });
      reports.set(message, report);
    }
    report(detail);
  };
}
