import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** What one run came to. */
interface RunCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** The closing line: `3 passed, 0 failed`, with `, 2 skipped` behind it when something was skipped. */
function closingLine(counts: RunCounts): string {
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''
  return `${counts.passed} passed, ${counts.failed} failed${skipped}`
}

/**
 * Counts the tests of a run. What stops tests from running (a file that does not load, a hook that throws, an error
 * nobody caught) counts as one failure each, so that a failed run never reads `0 failed`.
 */
function countRun(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): RunCounts {
  let passed = 0
  let failed = unhandledErrors.length
  let skipped = 0
  for (const module of modules) {
    if (module.errors().length > 0) failed += 1
    for (const suite of module.children.allSuites()) if (suite.errors().length > 0) failed += 1
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') passed += 1
      else if (state === 'failed') failed += 1
      else skipped += 1
    }
  }
  return { passed, failed, skipped }
}

/** The first line of an error, short enough to stand in a list. */
const inShort = (errors: readonly { readonly message: string }[] | undefined): string =>
  (errors?.[0]?.message ?? 'no reason was given').split('\n', 1)[0]?.slice(0, 300) ?? ''

/**
 * A line for whatever `countRun` counts as failed, and for each test that failed first and passed when tried again: that is a
 * fault to mend, though the run goes on. They stand last, where one looks first, and where a log that was cut still has them.
 */
function whatFailed(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): string[] {
  const lines = unhandledErrors.map((error) => `failed: an error nobody caught: ${inShort([error])}`)
  for (const module of modules) {
    const name = module.relativeModuleId
    if (module.errors().length > 0) lines.push(`failed: ${name}: ${inShort(module.errors())}`)
    for (const suite of module.children.allSuites())
      if (suite.errors().length > 0) lines.push(`failed: ${name} > ${suite.fullName}: ${inShort(suite.errors())}`)
    for (const test of module.children.allTests()) {
      const result = test.result()
      if (result.state === 'failed') lines.push(`failed: ${name} > ${test.fullName}: ${inShort(result.errors)}`)
      else if (test.diagnostic()?.flaky)
        lines.push(`passed only when tried again: ${name} > ${test.fullName}: ${inShort(result.errors)}`)
    }
  }
  return lines
}

/**
 * A reporter beside vitest's own whose line is the very last one of the run, for people and for `.ci/run`.
 * A run in which no test ran exits non-zero, whatever was skipped.
 */
export function summaryReporter(): Reporter {
  let counts: RunCounts = { passed: 0, failed: 0, skipped: 0 }
  let told: string[] = []
  return {
    onInit() {
      // Other reporters and vitest itself write until the very end, so only the exit of the process is late enough.
      process.once('exit', () => {
        if (counts.passed + counts.failed === 0) process.exitCode ||= 1
        for (const line of told) process.stdout.write(`\n${line}`)
        process.stdout.write(`\n${closingLine(counts)}\n`)
      })
    },
    onTestRunEnd(modules, unhandledErrors) {
      counts = countRun(modules, unhandledErrors)
      told = whatFailed(modules, unhandledErrors)
    },
  }
}
