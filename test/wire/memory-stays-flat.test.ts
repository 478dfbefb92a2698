import { expect, test } from 'vitest'
import { keepsItsMemory } from '../support/promises/many-connections.ts'
import { startStage } from '../support/promises/stage.ts'

const COUNT = 50_000
/** Until then the heap of the runtime grows to the size it works with. */
const WARM_UP = 30_000

/** Megabytes: a leak of 800 bytes a connection is more. */
const FLAT = 40

test(`${COUNT} connections leave no more memory in use than there was before`, { timeout: 600_000 }, async () => {
  await using stage = await startStage({}, { keepLines: 1_000 })
  let { warm, end } = await keepsItsMemory(stage, WARM_UP, COUNT)
  const megabytes = [warm, end]
  // The heap may still have been growing to its size. A leak grows by as much once more.
  if (end - warm >= FLAT) {
    const again = await keepsItsMemory(stage, 0, COUNT)
    warm = end
    end = again.end
    megabytes.push(end)
  }
  console.info(
    `resident memory in MB after ${WARM_UP} connections, and each ${COUNT} more: ${megabytes.map((one) => one.toFixed(1)).join(', ')}`,
  )
  expect(end - warm).toBeLessThan(FLAT)
})
