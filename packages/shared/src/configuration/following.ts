/**
 * A compiler whose watcher follows the files that a configuration names: certificates, keys, authorities.
 *
 * Invariant: when an attempt is known, its files are watched, and a change since they were read is another event. What is
 * in force stays watched while attempts are refused. Main thread.
 */
import type { FileSignature } from '../resources/file-signature.js';
import type { CompileOutcome, ConfigurationCompiler } from './compiled.js';

interface FileWatcher {
  follow(files: readonly FileSignature[]): Promise<void>;
}

export function followingCompiler(compiler: ConfigurationCompiler, watcher: FileWatcher): ConfigurationCompiler {
  let inForce: readonly FileSignature[] = [];
  return {
    async compile(): Promise<CompileOutcome> {
      const outcome = await compiler.compile();
      const all = outcome.type === 'refused' ? [...inForce, ...outcome.files] : outcome.files;
      const files = [...new Map(all.map((file) => [file.path, file])).values()];
      if (outcome.type !== 'refused') inForce = files;
      await watcher.follow(files);
      return outcome;
    },
    close: () => compiler.close(),
  };
}
