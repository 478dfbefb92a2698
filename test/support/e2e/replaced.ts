import { expect } from 'vitest'
import { eventually } from '../eventually.ts'
import type { Stage } from './stage.ts'

/** Pods on a machine with all cores busy take their time. */
const REPLACED_MS = 240_000

/** Waits until two ready pods are there (of the image, where one is given), none of them among `before` (by uid), and nothing else. */
export async function replaced(stage: Stage, before: readonly string[], image?: string): Promise<void> {
  await eventually(
    async () => {
      const pods = await stage.pods()
      if (image !== undefined) expect(pods.map((pod) => pod.image)).toEqual(pods.map(() => image))
      expect(pods.filter(({ uid }) => before.includes(uid))).toEqual([])
      expect(pods.map(({ isReady, isEnding }) => ({ isReady, isEnding }))).toEqual(
        [1, 2].map(() => ({ isReady: true, isEnding: false })),
      )
    },
    { withinMs: REPLACED_MS, everyMs: 300 },
  )
}

/** The pods that are there, by uid. */
export const uidsOf = async (stage: Stage): Promise<readonly string[]> => (await stage.pods()).map(({ uid }) => uid)
