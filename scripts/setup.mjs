/**
 * `npm run setup`: makes a fresh checkout runnable. Checks the machine, installs the packages, builds the native
 * engine and TypeScript. Plain JavaScript without dependencies, because it runs before anything is installed.
 *
 * Invariant: when nothing changed it does nothing, says nothing and takes a few hundredths of a second, so that every
 * other command can call it first. What was done is kept as one fingerprint a stage in `.setup-stamp/`.
 * Exit codes: 0 everything is there; 1 something is missing or failed, and the last line says what to do.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fingerprint } from './setup/fingerprint.mjs';
import { lockUntilExit } from './setup/lock.mjs';
import { platformProblems, toolProblems } from './setup/requirements.mjs';
import { stages } from './setup/stages.mjs';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const STAMPS = path.join(ROOT, '.setup-stamp');

function stampOf(stage) {
  return path.join(STAMPS, stage.name);
}

/** The stage's fingerprint when it has to run, undefined when it is done. */
function pendingFingerprint(stage) {
  const now = fingerprint(ROOT, stage.inputs(ROOT));
  const stamp = stampOf(stage);
  const done = existsSync(stamp) && readFileSync(stamp, 'utf8') === now;
  const built = done && stage.outputs(ROOT).every((file) => existsSync(path.join(ROOT, file)));
  return built && (stage.isCurrent?.(ROOT) ?? true) ? undefined : now;
}

function fail(lines) {
  for (const line of lines) console.error(line);
  process.exit(1);
}

function runStage(stage) {
  const now = pendingFingerprint(stage);
  if (now === undefined) return;
  console.log(`setup: ${stage.doing} …`);
  const { ok, output } = stage.run(ROOT);
  if (!ok) fail([output.trimEnd(), stage.failed]);
  writeFileSync(stampOf(stage), now);
}

function main() {
  const problems = platformProblems();
  if (problems.length > 0) fail(problems);
  if (stages.every((stage) => pendingFingerprint(stage) === undefined)) return;
  const missing = toolProblems();
  if (missing.length > 0) fail(missing);
  mkdirSync(STAMPS, { recursive: true });
  lockUntilExit(path.join(STAMPS, 'lock'), () => console.log('setup: another set-up is running, waiting for it …'));
  for (const stage of stages) runStage(stage);
  console.log('setup: done');
}

try {
  main();
} catch (error) {
  fail([`setup: ${error.message}`]);
}
