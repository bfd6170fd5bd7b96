import { ExitCode, ExitError } from '@sluice/shared/cli/exit-codes';
import type { CompiledConfiguration, CompileOutcome } from '@sluice/shared/configuration/compiled';
import { createLogger } from '@sluice/shared/log';
import { type ConfigIssue, fileIssue } from '@sluice/shared/resources/issue';
import { NO_MATERIAL } from '@sluice/shared/snapshot/tls';
import { expect, test } from 'vitest';
import { Reload } from './reload.js';

function compiled(version: string): CompiledConfiguration {
  return {
    type: 'compiled',
    version,
    snapshot: new SharedArrayBuffer(0),
    material: NO_MATERIAL,
    credentials: [],
    probedServices: '',
    removals: '',
    statuses: `["${version}"]`,
    issues: [],
    files: [],
    elapsedMs: 1,
  };
}
const unchanged = (version: string): CompileOutcome => {
  return { type: 'unchanged', version, statuses: '[]', issues: [], files: [], elapsedMs: 1 };
};
const ODD: ConfigIssue = { ...fileIssue('b.yaml', 'is odd'), severity: 'warning' };
const refused: CompileOutcome = {
  type: 'refused',
  issues: [fileIssue('a.yaml', 'is wrong'), ODD],
  files: [],
  elapsedMs: 1,
};

/** A reload whose compilations and changes end when the test says so. */
async function setUp() {
  const state = { asked: 0, applied: [] as string[], failure: undefined as Error | undefined, closed: 0 };
  const answers: ((outcome: CompileOutcome | Error) => void)[] = [];
  const log = createLogger({ level: 'silent', name: 'test' });
  const errors: unknown[] = [];
  log.error = (...line: unknown[]) => void errors.push(line.at(-1));
  const compiler = {
    compile: () => {
      state.asked += 1;
      return new Promise<CompileOutcome>((resolve, reject) => {
        answers.push((outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)));
      });
    },
    close: async () => {
      state.closed += 1;
      answers.shift()?.(refused);
    },
  };
  const watcher = {
    close: () => {
      state.closed += 1;
    },
  };
  const opening = Reload.open({ compiler, watcher, paths: ['a.yaml'], log });
  answers.shift()?.(compiled('one'));
  const reload = await opening;
  const apply = async ({ version }: CompiledConfiguration) => {
    if (state.failure !== undefined) throw state.failure;
    state.applied.push(version);
    return [];
  };
  const turn = () => new Promise(setImmediate);
  const answer = async (outcome: CompileOutcome | Error): Promise<void> => {
    await turn();
    answers.shift()?.(outcome);
    await turn();
  };
  const page = () => JSON.parse(reload.page) as { version: string; statuses: unknown; lastAttempt: { result: string } };
  return { reload, state, apply, answer, errors, page };
}

test('one attempt at a time; wishes meanwhile are one more, and the first may come before it begins', async () => {
  const { reload, state, apply, answer } = await setUp();
  reload.request();
  expect(state.asked).toBe(1);
  reload.begin(apply, []);
  await answer(compiled('two'));
  for (let count = 0; count < 5; count += 1) reload.request();
  await answer(compiled('three'));
  await answer(unchanged('three'));
  expect([state.asked, state.applied, reload.version]).toEqual([4, ['two', 'three'], 'three']);
  expect(reload.counts).toEqual({ applied: 2, unchanged: 1, refused: 0 });
  reload.request();
  await answer(unchanged('three'));
  expect(reload.counts).toEqual({ applied: 2, unchanged: 2, refused: 0 });
});

test.each([
  ['errors', refused, 'a.yaml: error: is wrong'],
  ['a compiler that cannot run', new Error('no thread'), 'the configuration cannot be put in force: no thread'],
])('%s change nothing', async (_, outcome, line) => {
  const { reload, state, apply, answer, errors, page } = await setUp();
  reload.begin(apply, []);
  reload.request();
  await answer(outcome);
  expect(state.applied).toEqual([]);
  expect(page()).toMatchObject({
    version: 'one',
    statuses: ['one'],
    lastAttempt: { result: 'refused', issues: [line] },
  });
  expect(errors).toEqual([line, 'the configuration is refused; the one before stays in force']);
  reload.request();
  await answer(compiled('two'));
  expect([reload.version, page().lastAttempt.result]).toEqual(['two', 'applied']);
});

test('what could not be put in force is tried again, though it reads the same', async () => {
  const { reload, state, apply, answer, page } = await setUp();
  reload.begin(apply, []);
  state.failure = new ExitError(ExitCode.bind, 'sluice: cannot listen');
  reload.request();
  await answer(compiled('two'));
  expect(page()).toMatchObject({
    version: 'one',
    lastAttempt: { result: 'refused', issues: ['the configuration cannot be put in force: cannot listen'] },
  });
  state.failure = undefined;
  reload.request();
  await answer(unchanged('two'));
  expect([reload.version, state.applied]).toEqual(['two', ['two']]);
});

test('what could not be put in force and is taken back is no change', async () => {
  const { reload, state, apply, answer } = await setUp();
  reload.begin(apply, []);
  state.failure = new Error('no');
  reload.request();
  await answer(compiled('two'));
  reload.request();
  await answer(compiled('one'));
  state.failure = undefined;
  reload.request();
  await answer(unchanged('one'));
  expect([reload.version, state.applied, reload.counts]).toEqual(['one', [], { applied: 0, unchanged: 2, refused: 1 }]);
});

test('nothing is applied after the end, which waits for what has begun', async () => {
  const { reload, state, apply, errors } = await setUp();
  reload.begin(apply, []);
  reload.request();
  await reload.close();
  reload.request();
  expect([state.applied, state.closed, state.asked, errors]).toEqual([[], 2, 2, []]);
});

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])('a wish %i microtasks behind a change is not lost', async (hops) => {
  const { reload, state, answer } = await setUp();
  const wish = async (): Promise<void> => {
    for (let hop = 0; hop < hops; hop += 1) await undefined;
    reload.request();
  };
  reload.begin(async () => {
    void wish();
    return [];
  }, []);
  reload.request();
  await answer(compiled('two'));
  await answer(unchanged('two'));
  expect([state.asked, reload.counts.unchanged]).toEqual([3, 1]);
});

test('the first configuration is handed out once, and not kept: it has keys', async () => {
  const { reload } = await setUp();
  expect(reload.takeFirst().version).toBe('one');
  expect(() => reload.takeFirst()).toThrow('has been taken');
});
