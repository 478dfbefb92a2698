import { expect, test } from 'vitest'
import { keepsItsMemory } from '../support/promises/many-connections.ts'
import { startStage } from '../support/promises/stage.ts'

const COUNT = 50_000

test(`${COUNT} connections leave no more memory in use than there was before`, { timeout: 240_000 }, async () => {
  await using stage = await startStage({}, { keepLines: 1_000 })
  const { warm, end } = await keepsItsMemory(stage, 10_000, COUNT)
  console.info(
    `resident memory: ${warm.toFixed(1)} MB after 10,000 connections, ${end.toFixed(1)} MB after ${COUNT} more`,
  )
  // A leak of 600 bytes a connection would show.
  expect(end - warm).toBeLessThan(30)
})
