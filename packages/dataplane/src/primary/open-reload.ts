/**
 * The configuration of `sluice serve`: where it is read from, the thread that compiles it, and what watches it.
 *
 * Files are watched before they are read for the first time, so that no change falls between. Primary thread, at start.
 */
import { ThreadCompiler } from '@sluice/shared/configuration/compiler';
import { followingCompiler } from '@sluice/shared/configuration/following';
import { openSource, watchedPaths } from '@sluice/shared/configuration/source';
import { ConfigurationWatcher } from '@sluice/shared/configuration/watcher';
import type { Logger } from '@sluice/shared/log';
import type { Options } from '../cli/options.js';
import { Reload } from './reload.js';

/** With the first configuration. Rejects with ExitError; then nothing is left behind. */
export async function openReload({ config, watch }: Options, log: Logger): Promise<Reload> {
  const source = await openSource(config);
  const thread = new ThreadCompiler({ source });
  const paths = watch ? watchedPaths(source) : [];
  let [reload, changed]: [Reload | undefined, boolean] = [undefined, false];
  const onChange = (): void => {
    changed = true;
    reload?.request();
  };
  const watcher = new ConfigurationWatcher({ paths, onChange, log });
  const compiler = watch ? followingCompiler(thread, watcher) : thread;
  try {
    await watcher.start();
    reload = await Reload.open({ compiler, watcher, paths: source.paths, log });
  } catch (error) {
    watcher.close();
    await compiler.close();
    throw error;
  }
  if (changed) reload.request();
  return reload;
}
