/**
 * The entry of the `healthd` command: command line in, exit code out.
 *
 * Most of the program is loaded only when signals are heard, because loading takes a while.
 */
import { runProgram } from '@sluice/shared/cli/run';
import { Signals } from '@sluice/shared/cli/signals';

const signals = new Signals();

await runProgram('healthd', async () => {
  const { parseArguments } = await import('./command-line.js');
  const { VERSION } = await import('./version.js');
  const invocation = parseArguments(process.argv.slice(2), process.env, VERSION);
  if (invocation === null) return;
  const { run } = await import('./run.js');
  await run(invocation.options, signals);
});
