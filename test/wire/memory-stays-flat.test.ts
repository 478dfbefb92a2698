import { expect, test } from 'vitest'
import { keepsItsMemory } from '../support/promises/many-connections.ts'
import { startStage } from '../support/promises/stage.ts'

const COUNT = 50_000
/** Until then the heap of the runtime grows to the size it works with. */
const WARM_UP = 30_000

test(`${COUNT} connections leave no more memory in use than there was before`, { timeout: 300_000 }, async () => {
  await using stage = await startStage({}, { keepLines: 1_000 })
  const { warm, end } = await keepsItsMemory(stage, WARM_UP, COUNT)
  console.info(
    `resident memory: ${warm.toFixed(1)} MB after ${WARM_UP} connections, ${end.toFixed(1)} MB after ${COUNT} more`,
  )
  // A leak of 800 bytes a connection would show.
  expect(end - warm).toBeLessThan(40)
})
