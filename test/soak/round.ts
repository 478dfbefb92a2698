import assert from 'node:assert/strict'
import { outlivesACrowd } from '../support/promises/few-descriptors.ts'
import { footprintAfterOne, killInPhase, PHASES } from '../support/promises/killed-clients.ts'
import { comeAndGo } from '../support/promises/many-connections.ts'
import { servesAmongSlowHandshakes } from '../support/promises/slow-handshakes.ts'
import { type Stage, startStage } from '../support/promises/stage.ts'

/** One promise of a round: what is tried, and a word on what came of it. */
export interface Trial {
  readonly name: string
  keep(stage: Stage): Promise<string>
}

const MEGABYTE = 2 ** 20

/** Megabytes above the first round that a runtime may keep for itself. */
const MOST_GROWTH_MB = 64

/** The promises of every round; the memory is compared with that after the first. */
export function trialsOfARound(runtime: 'node' | 'bun'): readonly Trial[] {
  let warm: number | undefined
  const killed = PHASES.map(
    (phase): Trial => ({
      name: `500 clients killed ${phase}`,
      async keep(stage) {
        await killInPhase(stage, phase, 500, await footprintAfterOne(stage))
        return 'nothing left'
      },
    }),
  )
  return [
    ...killed,
    {
      name: '1,000 slow handshakes, 50 good clients',
      async keep(stage) {
        const { slowestMs } = await servesAmongSlowHandshakes(stage, 1_000, 50)
        return `slowest ${Math.round(slowestMs)} ms`
      },
    },
    {
      name: 'more clients than descriptors',
      async keep() {
        await using small = await startStage({}, { openFiles: 256, keepLines: 1_000, runtime })
        const { processorShare } = await outlivesACrowd(small, small.plainPort, 600)
        return `${Math.round(processorShare * 100)} % of a processor`
      },
    },
    {
      name: '5,000 connections come and go',
      async keep(stage) {
        await comeAndGo(stage, 5_000)
        return 'all answered'
      },
    },
    {
      name: 'memory',
      async keep({ engine }) {
        const now = (await engine.residentBytes()) / MEGABYTE
        warm ??= now
        assert.ok(now - warm < MOST_GROWTH_MB, `${now.toFixed(0)} MB, and ${warm.toFixed(0)} MB after the first round`)
        return `${now.toFixed(0)} MB`
      },
    },
  ]
}
