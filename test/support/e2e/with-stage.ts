import { afterAll, beforeAll } from 'vitest'
import { type E2eCluster, useCluster } from './cluster.ts'
import { explainFailures } from './explain.ts'
import { createStage, type Stage } from './stage.ts'

/** What the tests of a file use, once they run. */
export interface StageAtHand {
  readonly cluster: E2eCluster
  readonly stage: Stage
}

/**
 * Gives a file of tests a cluster with the operator and a stage, before the first test, and takes the stage away after the
 * last. What explains a failure is printed.
 */
export function withStage(name: string): StageAtHand {
  let cluster: E2eCluster | undefined
  let stage: Stage | undefined
  explainFailures(
    () => cluster,
    () => stage?.place.namespace,
  )
  beforeAll(async () => {
    cluster = await useCluster()
    stage = await createStage(cluster, name)
  })
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]()
    await cluster?.[Symbol.asyncDispose]()
  })
  const there = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the stage is there only while tests run')
    return value
  }
  return {
    get cluster() {
      return there(cluster)
    },
    get stage() {
      return there(stage)
    },
  }
}
