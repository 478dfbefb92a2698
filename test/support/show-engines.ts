import { afterEach } from 'vitest'
import { startedEngines } from './engine-process.ts'

// Runs in every file of the wire project: what the engines of a failed test wrote is shown beside the failure.
afterEach(({ task }) => {
  if (task.result?.state === 'fail') {
    for (const engine of startedEngines)
      console.error(`--- output of the engine, process ${engine.pid}\n${engine.text()}`)
  }
  for (const engine of startedEngines) if (engine.ended()) startedEngines.delete(engine)
})
