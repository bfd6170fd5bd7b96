/**
 * `docker compose` with the project's own compose file, under a project name, images and ports of the test's own.
 *
 * An override file beside it changes what a test must change: the ports, an answer timeout that a test can wait for, and
 * the network of the build (some engines give RUN steps no other way out). `down` leaves no container, network or volume.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from './redis.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const OUTPUT_MAX = 64 * 1024 * 1024;

function override(project: string): string {
  const build = { build: { network: 'host' } };
  const services = {
    healthd: { ...build, image: project },
    dataplane: { ...build, image: project, environment: { SLUICE_ANSWER_TIMEOUT: '2s' } },
    backend: { ...build, image: `${project}-demo` },
  };
  return JSON.stringify({ services });
}

export class Compose {
  private constructor(
    readonly project: string,
    readonly folder: string,
    readonly port: number,
    readonly adminPort: number,
  ) {}

  static async create(): Promise<Compose> {
    const project = `sluice-test-${process.pid}`;
    const folder = mkdtempSync(join(tmpdir(), `${project}-`));
    writeFileSync(join(folder, 'override.yml'), override(project));
    return new Compose(project, folder, await freePort(), await freePort());
  }

  /** Runs a command of compose and gives its stdout. Rejects with stderr in the message. */
  async run(...args: readonly string[]): Promise<string> {
    const files = ['-f', join(ROOT, 'docker-compose.yml'), '-f', join(this.folder, 'override.yml')];
    const env = { ...process.env, PORT: String(this.port), ADMIN_PORT: String(this.adminPort) };
    const all = ['compose', '-p', this.project, ...files, ...args];
    const { stdout } = await run('docker', all, { cwd: ROOT, env, maxBuffer: OUTPUT_MAX });
    return stdout;
  }

  async docker(...args: readonly string[]): Promise<string> {
    return (await run('docker', [...args], { maxBuffer: OUTPUT_MAX })).stdout;
  }

  /** Container ids of a service. */
  async containers(service: string): Promise<string[]> {
    return (await this.run('ps', '-q', service)).split('\n').filter((id) => id !== '');
  }

  async down(): Promise<void> {
    await this.run('down', '--volumes', '--remove-orphans', '--timeout', '5');
    await this.docker('image', 'rm', '--force', this.project, `${this.project}-demo`);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
