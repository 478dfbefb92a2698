import { defineConfig } from 'vitest/config'
import { summaryReporter } from '../support/summary-reporter.ts'

/** Kept out of `npm test`: it needs a cluster, or root. One file after the other, since all of them load one node. */
export default defineConfig({
  test: {
    name: 'e2e',
    environment: 'node',
    include: ['test/e2e/**/*.test.ts'],
    globalSetup: ['test/support/e2e/cluster-setup.ts'],
    reporters: ['default', summaryReporter()],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
