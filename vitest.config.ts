import { defineConfig } from 'vitest/config';

// `unit` opens nothing and runs from the sources; `e2e` drives the built gateway over real sockets and processes;
// `long` is the sanitizer, churn and soak tier of `npm run test:long`; `compose` needs a Docker engine. No retries anywhere: a flaky test is a bug.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'bench/src/**/*.test.ts'],
          testTimeout: 10_000,
          // They open nothing and share nothing: what they import is loaded once.
          isolate: false,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 3,
        },
      },
      {
        test: {
          name: 'long',
          include: ['test/long/**/*.test.ts'],
          testTimeout: 900_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
        },
      },
      {
        test: {
          name: 'compose',
          include: ['test/compose/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 900_000,
          maxWorkers: 1,
        },
      },
    ],
  },
});
