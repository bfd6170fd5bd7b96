/**
 * A copy of the checkout's sources in a folder of its own, so that a test may run its set-up without touching the one in
 * use. `asDone` leaves what a finished set-up leaves: the stamps, and an empty file for each of its outputs.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const GENERATED = new Set(['node_modules', 'dist', 'bundle', 'build']);
const COPIED = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', 'tsconfig.json', 'tsconfig.base.json'];
const FOLDERS = ['scripts', 'packages', 'test', 'bench', 'examples'];

interface Stage {
  readonly name: string;
  inputs(root: string): readonly string[];
  outputs(root: string): readonly string[];
}

export class CheckoutCopy {
  readonly root = mkdtempSync(path.join(tmpdir(), 'sluice-checkout-'));

  constructor() {
    for (const name of [...COPIED, ...FOLDERS]) {
      const filter = (source: string) => !GENERATED.has(path.basename(source));
      cpSync(path.join(ROOT, name), this.path(name), { recursive: true, filter });
    }
  }

  path(name: string): string {
    return path.join(this.root, name);
  }

  async #import<T>(name: string): Promise<T> {
    return (await import(this.path(name))) as T;
  }

  async asDone(): Promise<void> {
    const { stages } = await this.#import<{ stages: readonly Stage[] }>('scripts/setup/stages.mjs');
    const { fingerprint } = await this.#import<{ fingerprint(root: string, files: readonly string[]): string }>(
      'scripts/setup/fingerprint.mjs',
    );
    mkdirSync(this.path('.setup-stamp'));
    for (const stage of stages) {
      for (const output of stage.outputs(this.root)) {
        mkdirSync(path.dirname(this.path(output)), { recursive: true });
        writeFileSync(this.path(output), '');
      }
      writeFileSync(this.path(`.setup-stamp/${stage.name}`), fingerprint(this.root, stage.inputs(this.root)));
    }
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
