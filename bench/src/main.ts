/**
 * `pnpm bench`: compares Sluice with its peers on this machine and says which of the figures to reach were reached.
 * `pnpm bench config` measures what a large configuration costs (config/run.ts).
 * Progress goes to stderr, the Markdown report to stdout, the JSON to --json PATH. Exit 0 when every run succeeded,
 * 1 when one failed, 2 for a wrong command line, 130 after Ctrl-C; in every case all children have been ended.
 */
import { writeFileSync } from 'node:fs';
import { buildNative } from './build-native.js';
import { closeAll, killAll } from './child.js';
import { runConfig } from './config/run.js';
import { judgeGoals } from './goals.js';
import { describeMachine, type Machine, versionsOf } from './machine.js';
import { type BenchOptions, parseOptions, UsageError, usage } from './options.js';
import { findPeers } from './peer-packages.js';
import { assertSchedstat } from './process-usage.js';
import { markdown, type Report } from './report.js';
import type { ScenarioResult } from './results.js';
import type { Scenario } from './scenario.js';
import { scenarios } from './scenarios.js';
import { Session } from './session.js';
import { targetNames } from './target.js';

const busyWarningPercent = 5;

/** `sluice-2w` is chosen with `sluice`. */
function familyOf(target: string): string {
  return target.startsWith('sluice') ? 'sluice' : target;
}

function refuseUnknown(option: string, given: string[] | undefined, known: string[]): void {
  const unknown = given?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(`--${option} ${unknown}: there are ${known.join(', ')}`);
}

/** The scenarios asked for, each with the targets asked for. */
function chosen(options: BenchOptions): Scenario[] {
  const { only, targets } = options;
  const known = [...new Set(scenarios.map(({ group }) => group)), ...scenarios.map(({ name }) => name)];
  refuseUnknown('only', only, known);
  refuseUnknown('targets', targets, [...new Set(targetNames.map(familyOf))]);
  return scenarios
    .filter(({ name, group }) => only === undefined || only.includes(name) || only.includes(group))
    .map((scenario) => ({
      ...scenario,
      targets: scenario.targets.filter((target) => targets?.includes(familyOf(target)) ?? true),
    }))
    .filter((scenario) => scenario.targets.length > 0);
}

async function measure(options: BenchOptions, machine: Machine, plan: Scenario[], session: Session): Promise<Report> {
  const names = [...new Set(plan.flatMap((scenario) => scenario.targets))];
  findPeers(
    ['haproxy', 'nginx'].filter((name) => names.includes(name)),
    options.install,
  );
  await session.start();
  await session.prepare(names);
  const results: ScenarioResult[] = [];
  for (const scenario of plan) results.push(await session.run(scenario));
  return {
    machine,
    versions: versionsOf(names.map(familyOf)),
    options,
    results,
    verdicts: judgeGoals(results),
    failures: session.failures,
  };
}

async function main(): Promise<number> {
  const [first, ...rest] = process.argv.slice(2).filter((argument) => argument !== '--');
  if (first === 'config') return runConfig(rest);
  const options = parseOptions(first === undefined ? [] : [first, ...rest]);
  const plan = chosen(options);
  assertSchedstat();
  buildNative();
  const machine = await describeMachine();
  if (machine.busyPercent > busyWarningPercent) {
    console.error(`warning: other processes use ${machine.busyPercent} % of this machine; the figures will show it`);
  }
  const session = new Session(options);
  const interrupt = (): void => {
    void closeAll().then(() => {
      session.removeFolder();
      process.exit(130);
    });
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  process.once('exit', killAll);
  try {
    const report = await measure(options, machine, plan, session);
    process.stdout.write(markdown(report));
    if (options.jsonPath !== undefined) writeFileSync(options.jsonPath, `${JSON.stringify(report, null, 2)}\n`);
    return report.failures.length > 0 ? 1 : 0;
  } finally {
    await closeAll();
    session.removeFolder();
  }
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    if (error instanceof UsageError) console.error(usage);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  },
);
