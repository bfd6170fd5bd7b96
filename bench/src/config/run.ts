/**
 * `pnpm bench config`: what a large configuration costs: reading, compiling, encoding, opening it in a worker, and routing
 * by it. Prints Markdown; exit 0, or 1 when a figure to reach was missed. One thread, nothing else is started.
 */
import { parseArgs } from 'node:util';
import { isRefusal } from '@sluice/dataplane/policy/refusal';
import { createRouter } from '@sluice/dataplane/policy/router';
import { parseResources } from '@sluice/shared/resources/parse';
import { compileSnapshot } from '@sluice/shared/snapshot/compile';
import type { Snapshot } from '@sluice/shared/snapshot/snapshot';
import { encodeSnapshot, openSnapshot } from '@sluice/shared/snapshot/view';
import { describeMachine, versionsOf } from '../machine.js';
import { median, seededRandom } from '../statistics.js';
import { type ConfigurationSize, manifestTexts } from './manifests.js';
import { ROUTING, RoutingRun } from './routing.js';

interface Figure {
  readonly what: string;
  readonly value: string;
  /** In words, '' when there is none; and whether it was reached. */
  readonly bound: string;
  readonly reached: boolean;
}

const REQUESTS = 20_000;
const WARM_UP = 20_000;

const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
const us = (value: number): string => `${value.toFixed(2)} µs`;

function figure(what: string, value: number, show: (value: number) => string, atMost?: number): Figure {
  const bound = atMost === undefined ? '' : `≤ ${show(atMost)}`;
  return { what, value: show(value), bound, reached: atMost === undefined || value <= atMost };
}

/** Median of some repetitions, ms, and what the last one gave. */
function timed<T>(repetitions: number, work: () => T): { readonly elapsedMs: number; readonly result: T } {
  const times: number[] = [];
  let result: T | undefined;
  for (let left = repetitions; left > 0; left--) {
    const start = performance.now();
    result = work();
    times.push(performance.now() - start);
  }
  return { elapsedMs: median(times), result: result as T };
}

function compileFigures(size: ConfigurationSize): readonly Figure[] {
  const files = manifestTexts(size).map((text, index) => ({ file: `${index}.yaml`, text }));
  const bytes = files.reduce((sum, { text }) => sum + text.length, 0);
  const parsing = timed(3, () => parseResources(files));
  const compiling = timed(5, () => compileSnapshot(parsing.result.resources));
  const { snapshot, issues } = compiling.result;
  const errors = [...parsing.result.issues, ...issues].filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(`the configuration has errors: ${JSON.stringify(errors[0])}`);
  const encoding = timed(5, () => encodeSnapshot(snapshot));
  const withoutYaml = compiling.elapsedMs + encoding.elapsedMs;
  return [
    figure(`reading ${Math.round(bytes / 1024)} KiB of YAML`, parsing.elapsedMs, ms),
    figure('compiling', compiling.elapsedMs, ms),
    figure('encoding', encoding.elapsedMs, ms, 200),
    figure('compiling and encoding', withoutYaml, ms, 1000),
    figure('all of it, with YAML', withoutYaml + parsing.elapsedMs, ms, 3000),
    ...openFigures(snapshot, encoding.result),
  ];
}

/** What a worker does when it is handed the snapshot: on its own thread, beside which it splices. */
function openFigures(snapshot: Snapshot, buffer: SharedArrayBuffer): readonly Figure[] {
  const first = timed(1, () => openAndRoute(snapshot, buffer));
  const again = timed(200, () => openAndRoute(snapshot, buffer));
  return [
    figure('size of the buffer', buffer.byteLength / 2 ** 20, (value) => `${value.toFixed(2)} MiB`),
    figure('opening and one request, first in the process', first.elapsedMs, ms),
    figure('opening and one request', again.elapsedMs, ms, 1),
  ];
}

function openAndRoute(snapshot: Snapshot, buffer: SharedArrayBuffer): void {
  const view = openSnapshot(buffer);
  const router = createRouter(view);
  const host = snapshot.listeners[0]?.hosts[0]?.hostname ?? '';
  const path = snapshot.listeners[0]?.hosts[0]?.matches[0]?.path ?? '';
  const listener = router.listener([0], host);
  const request = { method: 'GET', fields: [], query: undefined };
  const match = isRefusal(listener) ? listener : router.route(listener, host, path, request);
  if (!isRefusal(match)) view.service(view.rule(match.rule)?.backends[0]?.service ?? -1);
}

function routingFigures(count: number, seed: number): readonly Figure[] {
  return ROUTING.flatMap((scenario) => {
    const run = new RoutingRun(scenario, count, REQUESTS, seededRandom(seed));
    for (let index = 0; index < WARM_UP; index++) run.once(index);
    const times = new Float64Array(REQUESTS);
    for (let index = 0; index < REQUESTS; index++) {
      const start = performance.now();
      run.once(index);
      times[index] = 1000 * (performance.now() - start);
    }
    times.sort();
    const what = `routing, ${scenario.title}`;
    const at = (part: number): number => times[Math.floor(part * REQUESTS)] as number;
    return [figure(`${what}: median`, at(0.5), us, 5), figure(`${what}: p99`, at(0.99), us)];
  });
}

function markdown(figures: readonly Figure[]): string {
  const rows = figures.map(({ what, value, bound, reached }) => {
    return `| ${what} | ${value} | ${bound === '' ? '' : `${bound}: ${reached ? 'yes' : 'NO'}`} |`;
  });
  return ['| what | measured | to reach |', '| --- | ---: | --- |', ...rows, ''].join('\n');
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} must be a whole number, not "${text}"`);
  return value;
}

/** Exit code. Throws Error for options that it does not know. */
export async function runConfig(argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      routes: { type: 'string', default: '5000' },
      services: { type: 'string', default: '2000' },
      seed: { type: 'string', default: '1' },
    },
  });
  const size = { routes: whole('routes', values.routes), services: whole('services', values.services) };
  const { cpuModel, cores, kernel, busyPercent } = await describeMachine();
  const versions = Object.entries(versionsOf(['sluice'])).map(([name, version]) => `${name} ${version}`);
  const on = `${cpuModel}, ${cores} cores, ${kernel}, ${versions.join(', ')}, ${busyPercent} % busy before`;
  const figures = [...compileFigures(size), ...routingFigures(size.routes, whole('seed', values.seed))];
  process.stdout.write(`${size.routes} routes, ${size.services} services; ${on}\n\n${markdown(figures)}`);
  return figures.every(({ reached }) => reached) ? 0 : 1;
}
