import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type E2eCluster, useCluster } from '../support/e2e/cluster.ts'
import { explainFailures } from '../support/e2e/explain.ts'
import { helm, RELEASE } from '../support/e2e/helm.ts'
import { processesOf } from '../support/e2e/processes.ts'
import { askOnce, createStage, OUTSIDE, type Stage, WAYS } from '../support/e2e/stage.ts'
import { eventually } from '../support/eventually.ts'
import { repository } from '../support/runtime.ts'

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string }
  readonly spec: {
    readonly automountServiceAccountToken?: boolean
    readonly volumes: readonly { readonly name: string; readonly projected?: object }[]
  }
}

describe('a cluster with the chart installed', () => {
  let cluster: E2eCluster
  let stage: Stage
  explainFailures(
    () => cluster,
    () => stage?.place.namespace,
  )
  beforeAll(async () => {
    cluster = await useCluster()
    stage = await createStage(cluster, 'install')
  })
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  const example = async () => {
    const { spec } = load(await readFile(join(repository, 'examples/security-levels.yaml'), 'utf8')) as {
      spec: {
        listeners: { name: string; port: number }[]
        icsHosts: { hostNames?: string[]; certificate?: { secretName: string } }[]
      }
    }
    const hosts = spec.icsHosts.filter(({ certificate, hostNames }) => certificate && hostNames)
    expect(hosts.length).toBeGreaterThan(0)
    return { spec, hosts, port: spec.listeners[0]?.port ?? 0 }
  }

  test('admits the pods of an example to a namespace that enforces the Pod Security Standard “restricted”', async () => {
    const { spec, hosts } = await example()
    for (const { certificate, hostNames } of hosts) await stage.renew(certificate?.secretName ?? '', hostNames ?? [])
    await stage.apply({ ...spec })
    expect(await stage.pods()).toMatchObject([{ isReady: true }, { isReady: true }])
  })

  test.for(WAYS)('serves the example by the %s of its Service', async (by, { skip }) => {
    if (by === 'ClusterIP' && cluster.ownNode === undefined) return skip(OUTSIDE)
    const { hosts, port } = await example()
    for (const { hostNames } of hosts) {
      const target = await stage.client(hostNames?.[0] ?? '', port, by)
      await eventually(() => askOnce(target), { withinMs: 30_000, everyMs: 100 })
    }
  })

  test('has an operator that the Pod Security Standard “restricted” takes, too', async () => {
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
    const { status, warnings } = await cluster.admin.request(`/api/v1/namespaces/${RELEASE.namespace}?dryRun=All`, {
      method: 'PATCH',
      contentType: 'application/merge-patch+json',
      body: { metadata: { labels } },
    })
    expect({ status, warnings }).toEqual({ status: 200, warnings: [] })
  })

  test('passes the test of the chart', async () => {
    const said = await helm(cluster, ['test', RELEASE.name, '--namespace', RELEASE.namespace, '--timeout=3m'])
    expect(said).toMatch(/Phase: +Succeeded/)
  })

  test('has no pod with a token of the API in it but the operator’s', async () => {
    const { body } = await cluster.admin.request(stage.place.path('Pod'))
    const pods = (body as { items: Pod[] }).items
    expect(pods).toHaveLength(2)
    for (const { metadata, spec } of pods) {
      expect(spec.automountServiceAccountToken, metadata.name).toBe(false)
      expect(spec.volumes.filter(({ projected }) => projected !== undefined)).toEqual([])
    }
    for (const { metadata } of pods)
      for (const { pid } of processesOf(cluster.ownNode?.controlGroups ?? [], metadata.uid))
        expect(existsSync(`/proc/${pid}/root/var/run/secrets/kubernetes.io`), metadata.name).toBe(false)
  })

  test('has no process of root in its pods, nor in the operator’s', async ({ skip }) => {
    if (cluster.ownNode === undefined) return skip('the processes of pods are seen on a node of the suite alone')
    for (const path of [stage.place.path('Pod'), `/api/v1/namespaces/${RELEASE.namespace}/pods`]) {
      const { body } = await cluster.admin.request(path)
      for (const { metadata } of (body as { items: Pod[] }).items) {
        const processes = processesOf(cluster.ownNode.controlGroups, metadata.uid)
        // The sandbox's and the engine's own.
        expect(processes.length, metadata.name).toBeGreaterThanOrEqual(2)
        for (const { pid, users, groups } of processes) {
          expect(users, `${metadata.name} ${pid}`).not.toContain(0)
          expect(groups, `${metadata.name} ${pid}`).not.toContain(0)
        }
      }
    }
  })
})
