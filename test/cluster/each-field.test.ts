import { readdirSync, readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listFields } from '../../crds/index.ts'
import { type Judgement, judge } from '../support/cluster/agreement.ts'
import { type Mutation, mutationsOf } from '../support/cluster/mutations.ts'
import { installDefinition } from '../support/cluster/socket-server-api.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane/control-plane.ts'
import { describeCluster } from '../support/control-plane/describe-cluster.ts'
import { repository } from '../support/runtime.ts'

const folder = `${repository}/crds/examples/valid`
/** So many are asked at once. */
const AT_ONCE = 20

/** The examples, which use every field (`test/unit/crds/fields.test.ts`), less what YAML alone can say. */
const examples = readdirSync(folder)
  .filter((file) => file !== 'as-kubectl-reads-it.yaml')
  .map((file) => load(readFileSync(`${folder}/${file}`, 'utf8')) as { metadata: object })
  .map((manifest) => ({ ...manifest, metadata: { ...manifest.metadata, namespace: 'default' } }))

/** For each field every way to change it, each once. */
function changes(): Mutation[] {
  const once = new Map<string, Mutation>()
  for (const mutation of examples.flatMap(mutationsOf)) {
    const key = `${mutation.field} ${mutation.name.slice(mutation.name.indexOf(': '))}`
    if (mutation.field !== '' && !once.has(key)) once.set(key, mutation)
  }
  return [...once.values()]
}

describeCluster('every field', () => {
  let plane: ControlPlane

  beforeAll(async () => {
    plane = await startControlPlane()
    await installDefinition(plane.admin)
  })
  afterAll(() => plane?.[Symbol.asyncDispose]())

  test('is refused by zod and the API server alike when its type or a bound is crossed by one', {
    timeout: 600_000,
  }, async () => {
    const todo = changes()
    const judged: (Judgement & Mutation)[] = []
    for (let from = 0; from < todo.length; from += AT_ONCE) {
      const batch = todo.slice(from, from + AT_ONCE)
      judged.push(
        ...(await Promise.all(batch.map(async (one) => ({ ...one, ...(await judge(plane.admin, one.apply())) })))),
      )
    }
    const disagreements = judged.flatMap(({ name, disagreement }) => (disagreement ? [`${name}: ${disagreement}`] : []))
    expect(disagreements).toEqual([])
    const refused = new Set(judged.flatMap(({ field, accepted }) => (accepted ? [] : [field])))
    const fields = listFields().map(({ path }) => path.replace(/\[\]$/, ''))
    expect(fields.filter((path) => path.startsWith('spec') && !refused.has(path))).toEqual([])
  })
})
