import { defineConfig } from 'vitest/config'
import { summaryReporter } from '../support/summary-reporter.ts'

/** As with the other suites that meet real processes: what had to be tried again is named in the closing lines. */
const retry = process.env['CI'] ? 1 : 0

const shared = { environment: 'node' as const, retry, testTimeout: 300_000, hookTimeout: 300_000 }

/** Kept out of `npm test`: it needs a cluster, or root. */
export default defineConfig({
  test: {
    globalSetup: ['test/support/e2e/cluster-setup.ts'],
    reporters: ['default', summaryReporter()],
    projects: [
      // They wait for kubelets more than they work, so that three at a time do not hold each other up.
      {
        test: {
          ...shared,
          ...{ name: 'e2e', include: ['test/e2e/*.test.ts'] },
          ...{ maxWorkers: 3, sequence: { groupOrder: 0 } },
        },
      },
      // They take away what the others need.
      {
        test: {
          ...shared,
          ...{ name: 'e2e-alone', include: ['test/e2e/alone/*.test.ts'] },
          ...{ maxWorkers: 1, sequence: { groupOrder: 1 } },
        },
      },
      // What it leaves behind takes the node minutes to get over: its programs ask an API server that was away less and less often.
      {
        test: {
          ...shared,
          ...{ name: 'e2e-last', include: ['test/e2e/last/*.test.ts'] },
          ...{ maxWorkers: 1, sequence: { groupOrder: 2 } },
        },
      },
    ],
  },
})
