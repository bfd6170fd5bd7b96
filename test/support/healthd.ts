/**
 * Real health daemons: embedded (a child process over IPC, whose other end is in the test) and on their own, over Redis.
 */
import { type ChildProcess, execFile, fork, spawn } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { compileConfiguration } from '@sluice/shared/configuration/compile';
import type { BusListener } from '@sluice/shared/health/bus';
import type { ConfigureRequest } from '@sluice/shared/health/ipc/requests';
import { createIpcSubscriber, type IpcSubscriber } from '@sluice/shared/health/ipc/subscriber';
import {
  encodeProbedServices,
  type ProbedServices,
  probedServicesOf,
  servicesOf,
} from '@sluice/shared/health/probed-services';
import type { EndpointRecord, StatusTable } from '@sluice/shared/health/table';
import { createLogger } from '@sluice/shared/log';
import { formatIssue } from '@sluice/shared/resources/issue';
import { openSnapshot } from '@sluice/shared/snapshot/view';
import { ask } from './ask.js';
import type { Finished } from './command.js';
import { eventually, within } from './eventually.js';
import type { Exit, LogLine } from './gateway.js';
import type { Address } from './raw-client.js';

export const HEALTHD_BIN = fileURLToPath(new URL('../../packages/healthd/bin/healthd.js', import.meta.url));
const BUDGET_MS = 20_000;

/** Runs `healthd` to its end and gives what it said. */
export async function healthd(args: readonly string[]): Promise<Finished> {
  return await new Promise((resolve) => {
    const child = execFile(process.execPath, [HEALTHD_BIN, ...args], { timeout: BUDGET_MS }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

/** A daemon process with its configuration and its log. */
class DaemonProcess {
  readonly log: LogLine[] = [];
  readonly exited: Promise<Exit>;

  constructor(
    readonly child: ChildProcess,
    readonly folder: string,
  ) {
    this.exited = new Promise((resolve) => {
      child.on('exit', (code, signal) => resolve({ code, signal }));
    });
    if (child.stderr) {
      createInterface({ input: child.stderr }).on('line', (line) => this.log.push(parseLine(line)));
    }
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Waits for its end. */
  async end(): Promise<Exit> {
    return await within(this.exited, BUDGET_MS, () => `the daemon did not end:\n${this.describeLog()}`);
  }

  describeLog(): string {
    return this.log
      .slice(-20)
      .map((line) => JSON.stringify(line))
      .join('\n');
  }

  /** Ends it, whatever it does. Idempotent. */
  async close(): Promise<void> {
    if (this.running) this.child.kill('SIGKILL');
    await this.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { msg: line };
  }
}

function writeConfig(config: string): { folder: string; path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-healthd-'));
  const path = join(folder, 'config.yaml');
  writeFileSync(path, config);
  return { folder, path };
}

/** What there is to probe by the configuration in this folder. */
function servicesIn(folder: string): ProbedServices {
  const compiled = compileConfiguration({ paths: [folder], streams: new Map() }, null);
  if (compiled.type !== 'compiled') throw new Error(compiled.issues.map(formatIssue).join('\n'));
  return probedServicesOf(servicesOf(openSnapshot(compiled.snapshot)), compiled.material);
}

/** An embedded daemon, which is told its services as the gateway tells it. */
export class EmbeddedHealthd extends DaemonProcess {
  /** null: it is told nothing yet. */
  static start(config: string | null, flags: readonly string[] = []): EmbeddedHealthd {
    const { folder } = writeConfig(config ?? '');
    const services = config === null ? null : servicesIn(folder);
    const child = fork(HEALTHD_BIN, ['--embedded', '--admin', 'off', ...flags], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [],
    });
    const daemon = new EmbeddedHealthd(child, folder);
    if (services !== null) daemon.tell(services);
    return daemon;
  }

  /** Tells it the services of this configuration. */
  configure(config: string): void {
    writeFileSync(join(this.folder, 'config.yaml'), config);
    this.tell(servicesIn(this.folder));
  }

  tell(services: ProbedServices): void {
    this.child.send({ type: 'configure', services: encodeProbedServices(services) } satisfies ConfigureRequest);
  }
}

/** The parent's end of embedded daemons, with everything that it was told. */
export class HealthRecord implements BusListener {
  readonly tables: StatusTable[] = [];
  readonly subscriber: IpcSubscriber = createIpcSubscriber(createLogger({ level: 'silent', name: 'test' }));

  constructor(daemon: EmbeddedHealthd) {
    this.subscriber.start(this);
    this.subscriber.attach(daemon.child);
  }

  onTable(table: StatusTable): void {
    this.tables.push(table);
  }

  onChange(_change: unknown, table: StatusTable): void {
    this.tables.push(table);
  }

  onState(): void {}

  /** Waits until the endpoint whose key ends so is as `match` says; fails with what it is. */
  async shows(end: string, match: Partial<EndpointRecord>, budgetMs = BUDGET_MS): Promise<EndpointRecord> {
    return await eventually(() => findRecord(this.subscriber.table, end, match), { budgetMs });
  }

  /** The statuses that an endpoint has had, each once for every time that it became it. */
  statuses(end: string): string[] {
    const all = this.tables.flatMap(({ endpoints }) => {
      const found = [...endpoints].find(([key]) => key.endsWith(end));
      return found === undefined ? [] : [found[1].status];
    });
    return all.filter((status, index) => status !== all[index - 1]);
  }

  async close(): Promise<void> {
    await this.subscriber.close();
  }
}

/** The record of the endpoint whose key ends so. Throws unless it is as `match` says. */
export function findRecord(table: StatusTable | null, end: string, match: Partial<EndpointRecord>): EndpointRecord {
  const found = [...(table?.endpoints ?? [])].find(([key]) => key.endsWith(end));
  const wrong = Object.entries(match).some(([name, value]) => found?.[1][name as keyof EndpointRecord] !== value);
  if (found === undefined || wrong) {
    const shown = JSON.stringify(found ?? [...(table?.endpoints.keys() ?? [])]);
    throw new Error(`${end} is not ${JSON.stringify(match)}: ${shown}`);
  }
  return found[1];
}

/** A daemon on its own, over Redis. */
export class Healthd extends DaemonProcess {
  admin: Address = { address: '', port: 0 };

  /** `flags`: further options of the daemon, as on its command line. */
  static async start(
    config: string,
    redis: string,
    nodeArguments: readonly string[] = [],
    flags: readonly string[] = [],
  ): Promise<Healthd> {
    const { folder, path } = writeConfig(config);
    const own = ['--config', path, '--redis', redis, '--admin', '127.0.0.1:0'];
    const args = [...nodeArguments, HEALTHD_BIN, ...own, ...flags];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const daemon = new Healthd(child, folder);
    await daemon.#becomeReady();
    return daemon;
  }

  async #becomeReady(): Promise<void> {
    const { stdout } = this.child;
    const said = new Promise<LogLine>((resolve) => {
      if (stdout) createInterface({ input: stdout }).once('line', (line) => resolve(parseLine(line)));
    });
    const early = this.exited.then(({ code, signal }) => {
      throw new Error(`the daemon ended (${code ?? signal}) before it was ready:\n${this.describeLog()}`);
    });
    const ready = await within(Promise.race([said, early]), BUDGET_MS, () => 'the daemon is not ready');
    early.catch(() => undefined);
    if (ready.event !== 'ready' || ready.pid !== this.pid)
      throw new Error(`not a ready line: ${JSON.stringify(ready)}`);
    this.admin = ready.admin as Address;
  }

  /** Asks its admin port. */
  async ask(path: string): Promise<{ status: number; body: string }> {
    return await ask(this.admin, path, 'GET');
  }

  /** Writes its configuration anew, as an editor does: another file in the place of the first. */
  rewrite(config: string): void {
    const fresh = join(this.folder, 'config.yaml.new');
    writeFileSync(fresh, config);
    renameSync(fresh, join(this.folder, 'config.yaml'));
  }

  async leads(): Promise<boolean> {
    return (await this.ask('/readyz')).body.includes('leads');
  }
}
