import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { summaryReporter } from './test/support/summary-reporter.ts'

/** What meets real sockets and processes on a busy machine may lose a race once; the closing lines name what did. */
const retry = process.env['CI'] ? 1 : 0

/** One project per kind of proof, so that each can be run alone: `npx vitest run --project wire`. */
const project = (name: string, include: string, extra: object = {}) => ({
  extends: true as const,
  test: { name, include: [include], ...extra },
})

export default defineConfig({
  test: {
    environment: 'node',
    // One for each processor: most files wait most of the time, for clients, timers and processes.
    maxWorkers: availableParallelism(),
    reporters: ['default', summaryReporter()],
    projects: [
      // Some start a process, which takes its time on a busy machine.
      project('unit', 'test/unit/**/*.test.ts', { retry, testTimeout: 30_000 }),
      project('architecture', 'test/architecture/**/*.test.ts'),
      project('wire', 'test/wire/**/*.test.ts', {
        retry,
        testTimeout: 30_000,
        hookTimeout: 30_000,
        setupFiles: ['test/support/wire-setup.ts'],
      }),
      project('cluster', 'test/cluster/**/*.test.ts', {
        retry,
        testTimeout: 120_000,
        hookTimeout: 120_000,
        globalSetup: ['test/support/control-plane/cluster-setup.ts'],
      }),
      project('charts', 'test/charts/**/*.test.ts', {
        retry,
        testTimeout: 120_000,
        hookTimeout: 120_000,
        globalSetup: ['test/support/chart-tools/charts-setup.ts'],
      }),
      project('examples', 'test/examples/**/*.test.ts', {
        retry,
        testTimeout: 60_000,
        hookTimeout: 60_000,
        setupFiles: ['test/support/wire-setup.ts'],
      }),
    ],
  },
})
