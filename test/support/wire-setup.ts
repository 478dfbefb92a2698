import { relative } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { bunExcuse } from './bun-table.ts'
import { startedEngines } from './engine-process.ts'
import { engineRuntime, repository } from './runtime.ts'

// Runs in every file of the wire project.

beforeEach((context) => {
  if (engineRuntime !== 'bun') return
  const file = relative(`${repository}/test/wire`, context.task.file.filepath)
  const reason = bunExcuse(file, context.task.name)
  if (reason !== undefined) context.skip(`Bun: ${reason}`)
})

// What the engines of a failed test wrote is shown beside its failure.
afterEach(({ task }) => {
  for (const engine of startedEngines) {
    if (task.result?.state === 'fail') console.error(`--- output of the engine ${engine.pid}\n${engine.text()}`)
    if (engine.ended()) startedEngines.delete(engine)
  }
})
