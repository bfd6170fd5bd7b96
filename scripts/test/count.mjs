/**
 * Counts tests over all steps of a run. Invariant: a step that ended badly never adds up to "0 failed", and neither does
 * a Vitest step in which nothing ran, unless filters were given; with filters, one of the steps has to run something.
 */

export const NONE = { passed: 0, failed: 0, skipped: 0 };

/** Tests of a Vitest JSON report; a file that could not even be loaded is one failed test. */
export function countReport(report) {
  const broken = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/**
 * The counts of one step: `report` is undefined for a plain command, null when Vitest left none. `mayBeEmpty`: a filter
 * may have left nothing of this step.
 */
export function countStep(code, report, mayBeEmpty) {
  if (report === undefined) return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  const counts = report === null ? NONE : countReport(report);
  const empty = !mayBeEmpty && ranNothing(counts);
  return counts.failed === 0 && (code !== 0 || empty) ? { ...counts, failed: 1 } : counts;
}

export function ranNothing({ passed, failed }) {
  return passed + failed === 0;
}

export function addCounts(a, b) {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

export function summaryLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
