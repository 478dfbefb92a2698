import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { repository } from '../../../support/runtime.ts'

test.each([0, 2, 4, 6, 8, 12])(
  'a write that is given up as it begins harms no other call (%i steps after it)',
  (steps) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['test/support/operator/abort-at-once.ts', String(steps)],
      // Where it is done wrong the process writes into its memory until it is killed.
      { cwd: repository, encoding: 'utf8', timeout: 10_000, killSignal: 'SIGKILL' },
    )
    expect({ status, stdout: stdout.trim(), stderr }).toEqual({ status: 0, stdout: 'given up', stderr: '' })
  },
)
