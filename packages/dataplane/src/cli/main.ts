/**
 * The entry of the `sluice` command: command line in, exit code out.
 *
 * Most of the program is loaded only when signals are heard, because loading takes a while.
 */
import { runProgram } from '@sluice/shared/cli/run';
import { Signals } from '@sluice/shared/cli/signals';

const signals = new Signals();

await runProgram('sluice', async () => {
  const { parseArguments } = await import('./command-line.js');
  const { VERSION } = await import('./version.js');
  const invocation = parseArguments(process.argv.slice(2), process.env, VERSION);
  if (invocation === null) return;
  if (invocation.command === 'check') {
    const { check } = await import('./check.js');
    await check(invocation.options);
    signals.close();
    return;
  }
  const { serve } = await import('./serve.js');
  await serve(invocation.options, signals);
});
