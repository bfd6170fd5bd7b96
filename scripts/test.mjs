/**
 * `npm test`, `npm run test:long` (--long) and `npm run test:compose` (--compose): runs every step of the tier, also after one has failed, and closes with
 * the one line `N passed, N failed, N skipped`. Other arguments go to Vitest as filters: `npm test -- router`.
 * Exit codes: 0 all passed and something ran; 1 otherwise; 130 interrupted, after every child has been ended.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runChild } from './test/child.mjs';
import { addCounts, countStep, NONE, ranNothing, summaryLine } from './test/count.mjs';
import { composeSteps, longSteps, quickSteps } from './test/steps.mjs';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

/** Starts a step beside others: its exit code, when it has ended, and what it printed. */
function startAhead(step, folder, stop) {
  const file = path.join(folder, `${step.name}.txt`);
  const output = openSync(file, 'w');
  const ended = runChild(step.command, { cwd: ROOT, env: step.env ?? {}, stop, output });
  closeSync(output);
  return { ended, printed: () => readFileSync(file, 'utf8') };
}

async function runStep(step, folder, { mayBeEmpty, stop, ahead }) {
  console.log(`\n── ${step.name}`);
  if (step.skipped !== undefined) {
    console.log(`skipped: ${step.skipped}`);
    return { ...NONE, skipped: 1 };
  }
  const reportFile = path.join(folder, 'report.json');
  rmSync(reportFile, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  const command = step.vitest ? [...step.command, ...reporters] : step.command;
  const started = ahead.get(step);
  const code = await (started?.ended ?? runChild(command, { cwd: ROOT, env: step.env ?? {}, stop }));
  if (started !== undefined) process.stdout.write(started.printed());
  const counts = countStep(code, step.vitest ? readReport(reportFile) : undefined, mayBeEmpty);
  if (counts.failed > 0) console.log(`${step.name}: failed (exit code ${code})`);
  return counts;
}

async function runSteps(steps, how) {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-test-'));
  let [total, tests] = [NONE, NONE];
  const early = steps.filter((step) => step.ahead);
  const ahead = new Map(early.map((step) => [step, startAhead(step, folder, how.stop)]));
  try {
    for (const step of steps) {
      if (how.stop.aborted) break;
      const counts = await runStep(step, folder, { ...how, ahead });
      total = addCounts(total, counts);
      if (step.vitest) tests = addCounts(tests, counts);
    }
  } finally {
    await Promise.all([...ahead.values()].map(({ ended }) => ended));
    rmSync(folder, { recursive: true, force: true });
  }
  if (!ranNothing(tests) || steps.every(({ skipped }) => skipped !== undefined)) return total;
  console.log('no test ran');
  return { ...total, failed: total.failed + 1 };
}

const args = process.argv.slice(2);
const filters = args.filter((arg) => arg !== '--long' && arg !== '--compose');
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stopping.abort());

const tier = args.includes('--long') ? longSteps : args.includes('--compose') ? composeSteps : quickSteps;
const steps = tier(filters);
const total = await runSteps(steps, { mayBeEmpty: filters.length > 0, stop: stopping.signal });
process.exitCode = stopping.signal.aborted ? 130 : total.failed > 0 ? 1 : 0;
console.log(`\n${summaryLine(total)}`);
