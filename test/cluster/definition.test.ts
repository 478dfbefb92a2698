import { readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { crdYaml, customResourceDefinition } from '../../crds/crd.ts'
import { findingsOf } from '../support/cluster/refusal.ts'
import {
  dryRun,
  installDefinition,
  readDefinition,
  socketServersPath,
  whenServed,
} from '../support/cluster/socket-server-api.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane/control-plane.ts'
import { describeCluster } from '../support/control-plane/describe-cluster.ts'
import { eventually } from '../support/eventually.ts'
import { repository } from '../support/runtime.ts'

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const FIRST = `${repository}/test/fixtures/crds/v1alpha1-first.yaml`

/** The definition stands in the schema for editors, too, and is applied from both (`crds/json-schema.ts`). */
const NAME = 'customresourcedefinition.apiextensions.k8s.io/socketservers.icshosts.io'

interface Validation {
  readonly rule: string
  readonly messageExpression?: string
}

/** The definition with every rule and every message reckoned twice. */
function doubled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(doubled)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key !== 'x-kubernetes-validations') return [key, doubled(inner)]
      const twice = (inner as readonly Validation[]).map(({ messageExpression: text, ...rest }) => ({
        ...rest,
        rule: `(${rest.rule}) && (${rest.rule})`,
        ...(text === undefined ? {} : { messageExpression: `(${text}) == '' ? (${text}) : 'x'` }),
      }))
      return [key, twice]
    }),
  )
}

/**
 * A resource as large as the contract allows: 64 listeners, 512 hosts of 32 names that each name every listener they can. Its
 * listeners tell themselves apart by port or, which is more to compare, by address.
 */
function largest(apart: 'port' | 'address'): object {
  const listeners = Array.from({ length: 64 }, (_, index) => ({
    name: `l${index}`,
    ...(apart === 'port' ? { port: 10_000 + index } : { address: `2001:db8::${index + 1}`, port: 443 }),
  }))
  const names = listeners.map(({ name }) => name)
  const icsHosts = Array.from({ length: 512 }, (_, host) => ({
    hostTag: `host-${host}`,
    hostNames: Array.from({ length: 32 }, (_, name) => `n${name}.h${host}.example.com`),
    // Each listener has a default host of its own.
    listeners: host < 64 ? [names[host]] : names,
    default: host < 64,
    certificate: { secretName: `tls-${host}` },
    handler: { type: 'Forward', forward: { backends: [{ host: '127.0.0.1', port: 8080 }] } },
  }))
  return {
    apiVersion: 'icshosts.io/v1alpha1',
    kind: 'SocketServer',
    metadata: { name: 'largest' },
    spec: { listeners, icsHosts },
  }
}

describeCluster('the definition on an API server', () => {
  let plane: ControlPlane

  beforeAll(async () => {
    plane = await startControlPlane()
  })
  afterAll(() => plane?.[Symbol.asyncDispose]())

  test('is accepted without a warning', async () => {
    const answer = await plane.admin.request(`${CRDS}?dryRun=All&fieldValidation=Strict`, {
      body: load(crdYaml()),
    })
    expect(answer).toMatchObject({ status: 201, warnings: [] })
  })

  test('costs less than half of the budget, each rule and all together', async () => {
    const answer = await plane.admin.request(`${CRDS}?dryRun=All`, { body: doubled(customResourceDefinition()) })
    expect(answer).toMatchObject({ status: 201 })
  })

  test('is installed by kubectl apply -f crds/, client side and server side, alone and without a warning', async () => {
    const { admin } = plane
    await installDefinition(admin)
    expect(await admin.kubectl(['apply', '-f', 'crds/'])).toMatchObject({
      ...{ code: 0, stderr: '' },
      stdout: `${NAME} unchanged\n`.repeat(2),
    })
    expect(await admin.kubectl(['delete', '--ignore-not-found', '-f', 'crds/'])).toMatchObject({ code: 0, stderr: '' })
    expect(await admin.kubectl(['apply', '--server-side', '-f', 'crds/'])).toMatchObject({
      ...{ code: 0, stderr: '' },
      stdout: `${NAME} serverside-applied\n`.repeat(2),
    })
    await whenServed(admin)
    const conditions = (await readDefinition(admin)).status.conditions ?? []
    const isTrue = (type: string) => conditions.find((condition) => condition.type === type)?.status === 'True'
    expect(isTrue('Established')).toBe(true)
    expect(isTrue('NamesAccepted')).toBe(true)
    expect(isTrue('NonStructuralSchema')).toBe(false)
    expect(await admin.kubectl(['delete', '--ignore-not-found', '-f', 'crds/'])).toMatchObject({ code: 0 })
  })

  test('is updated in place from its first version, and what was stored is still good', async () => {
    const { admin } = plane
    expect(await admin.kubectl(['apply', '-f', FIRST])).toMatchObject({ code: 0 })
    await whenServed(admin)
    const minimal = 'crds/examples/valid/minimal.yaml'
    expect(await admin.kubectl(['apply', '-f', minimal])).toMatchObject({ code: 0 })
    expect(await admin.kubectl(['apply', '-f', 'crds/'])).toMatchObject({ code: 0, stderr: '' })
    await whenServed(admin)
    const { name } = (load(readFileSync(`${repository}/${minimal}`, 'utf8')) as { metadata: { name: string } }).metadata
    const stored = await admin.request(`${socketServersPath()}/${name}`)
    expect(stored.status).toBe(200)
    const written = await admin.request(`${socketServersPath()}/${name}?fieldValidation=Strict`, {
      method: 'PUT',
      body: stored.body,
    })
    expect(written).toMatchObject({ status: 200, warnings: [] })
  })

  test('judges the largest resources within half of the budget of one request', async () => {
    const { admin } = plane
    const half = await admin.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], {
      input: JSON.stringify(doubled(customResourceDefinition())),
    })
    expect(half).toMatchObject({ code: 0 })
    await whenServed(admin)
    // The first answers may be of the old rules, which say more than "x".
    const wrong = { ...largest('port'), spec: { listeners: [{ name: 'a', address: 'nowhere', port: 1 }] } }
    await eventually(async () => expect(findingsOf(await dryRun(admin, wrong))[0]?.message).toMatch(/(^|: )x$/), {
      ...{ withinMs: 30_000, everyMs: 100 },
    })
    for (const apart of ['port', 'address'] as const) {
      const answer = await dryRun(admin, largest(apart))
      expect([apart, findingsOf(answer)]).toEqual([apart, []])
    }
  })
})
