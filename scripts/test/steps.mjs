/**
 * What `npm test`, `npm run test:long` and `npm run test:compose` run, as data: edit here to add a step. A step is
 * `{ name, command, env?, skipped? }`; it passes when its command ends with 0 and counts as one test. A step with
 * `vitest: true` gets a JSON report besides and counts as the tests in it; one with `skipped` says why it cannot run here;
 * one with `ahead: true` starts at once, runs beside those before it, and is waited for in its place.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { modulePath } from '../build-native.mjs';

const node = process.execPath;
const HARNESS = 'packages/dataplane/native/harness';

/** One project a step: projects differ in how many workers they may use, and end-to-end tests get the machine alone. */
function vitest(name, project, filters, env = {}) {
  const command = [
    node,
    'node_modules/vitest/vitest.mjs',
    'run',
    '--passWithNoTests',
    '--project',
    project,
    ...filters,
  ];
  return { name, vitest: true, env, command };
}

function harness(target) {
  return { name: `native harness: ${target}`, command: ['make', '--no-print-directory', '-C', HARNESS, target] };
}

/** For both tiers: a Redis server and clients, installed when they are missing. */
const tools = { name: 'programs for the tests', ahead: true, command: [node, 'scripts/test/tools.mjs'] };

/** Environment for node processes that load the engine built with AddressSanitizer. */
function asanEnv() {
  const compiler = process.env.CC ?? 'cc';
  const found = spawnSync(compiler, ['-print-file-name=libasan.so'], { encoding: 'utf8' });
  return {
    SLUICE_NATIVE: modulePath('address'),
    // The runtime has to come first in a process whose main program was not built with it.
    LD_PRELOAD: path.resolve((found.stdout ?? '').trim()),
    // Leaks are the harness's business: node itself frees little at exit.
    ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1:detect_stack_use_after_return=0',
  };
}

/** The quick tier: at most 8 minutes on 2 cores. */
export function quickSteps(filters) {
  return [
    { name: 'lint', command: [node, 'node_modules/@biomejs/biome/bin/biome', 'check', '.'] },
    { name: 'types', command: [node, 'node_modules/typescript/bin/tsc', '-b'] },
    { name: 'generated docs', command: [node, 'scripts/docs/write.mjs', '--check'] },
    harness('check'),
    vitest('unit tests', 'unit', filters),
    tools,
    vitest('end-to-end tests', 'e2e', filters),
  ];
}

/** The long tier: the C core and the addon under sanitizers, churn and soak. */
export function longSteps(filters) {
  return [
    ...['asan', 'tsan', 'fuzz'].map(harness),
    { name: 'addon with AddressSanitizer', command: [node, 'scripts/build-native.mjs', '--sanitize', 'address'] },
    tools,
    vitest('end-to-end tests under AddressSanitizer', 'e2e', filters, asanEnv()),
    vitest('churn and soak tests', 'long', filters),
  ];
}

/** Builds, starts and breaks docker-compose.yml; skipped, and said so, without an engine. */
export function composeSteps(filters) {
  const engine = ['version', ['compose', 'version']].every(
    (args) => spawnSync('docker', [args].flat(), { stdio: 'ignore' }).status === 0,
  );
  const skipped = 'docker or its plugin compose (v2) does not answer: start an engine, or set DOCKER_HOST';
  return [{ ...vitest('docker compose', 'compose', filters), ...(engine ? {} : { skipped }) }];
}
