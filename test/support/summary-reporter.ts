import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** What one run came to. */
interface RunResult {
  readonly passed: number
  readonly skipped: number
  /** A line for each failure. */
  readonly failures: readonly string[]
  /** A line for each test that failed first and passed when tried again: a fault to mend, though the run goes on. */
  readonly flaky: readonly string[]
}

/** The closing line: `3 passed, 0 failed`, with `, 2 skipped` behind it when something was skipped. */
function closingLine({ passed, failures, skipped }: RunResult): string {
  return `${passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

/** A name and the first line of its error, short enough to stand in a list. */
function line(name: string, errors: readonly { readonly message: string }[] | undefined): string {
  const [reason = ''] = (errors?.[0]?.message ?? 'no reason was given').split('\n', 1)
  return `${name}: ${reason.slice(0, 300)}`
}

/**
 * Sums up the tests of a run. What stops tests from running (a file that does not load, a hook that throws, an error
 * nobody caught) counts as one failure each, so that a failed run never reads `0 failed`.
 */
function sumUp(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): RunResult {
  let passed = 0
  let skipped = 0
  const failures = unhandledErrors.map((error) => line('an error nobody caught', [error]))
  const flaky: string[] = []
  for (const module of modules) {
    const file = module.relativeModuleId
    if (module.errors().length > 0) failures.push(line(file, module.errors()))
    for (const suite of module.children.allSuites())
      if (suite.errors().length > 0) failures.push(line(`${file} > ${suite.fullName}`, suite.errors()))
    for (const test of module.children.allTests()) {
      const { state, errors } = test.result()
      const told = () => line(`${file} > ${test.fullName}`, errors)
      if (state === 'passed') passed += 1
      else if (state === 'failed') failures.push(told())
      else skipped += 1
      if (test.diagnostic()?.flaky) flaky.push(told())
    }
  }
  return { passed, skipped, failures, flaky }
}

/**
 * A reporter beside vitest's own whose lines are the very last ones of the run, for people and for `.ci/run`, and for whoever
 * has only the end of a long log: what failed, and the sum. A run in which no test ran exits non-zero, whatever was skipped.
 */
export function summaryReporter(): Reporter {
  let result: RunResult = { passed: 0, skipped: 0, failures: [], flaky: [] }
  return {
    onInit() {
      // Other reporters and vitest itself write until the very end, so only the exit of the process is late enough.
      process.once('exit', () => {
        const { passed, failures, flaky } = result
        if (passed + failures.length === 0) process.exitCode ||= 1
        for (const one of failures) process.stdout.write(`\nfailed: ${one}`)
        for (const one of flaky) process.stdout.write(`\npassed only when tried again: ${one}`)
        process.stdout.write(`\n${closingLine(result)}\n`)
      })
    },
    onTestRunEnd(modules, unhandledErrors) {
      result = sumUp(modules, unhandledErrors)
    },
  }
}
