import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createDiskCheck } from '../../../../../sidecar/control/config/on-disk.ts'
import { selectManifest } from '../../../../../sidecar/control/config/select.ts'
import { configHash } from '../../../../../sidecar/control/identity.ts'
import { host, listener, type Part, socketServer } from '../../../../support/manifest.ts'
import { createWorkspace, type Workspace } from '../../../../support/workspace.ts'

const edge = (changes: Part = {}) =>
  socketServer({ listeners: [listener({ port: 8443 })], icsHosts: [host()], ...changes })
const startingWith = (text: string) => {
  const { manifest } = selectManifest({ path: workspace.manifest, text }, undefined)
  return createDiskCheck({ path: workspace.manifest, text, name: 'edge', configHash: configHash(manifest) })
}

let workspace: Workspace
beforeEach(async () => {
  workspace = await createWorkspace()
})
afterEach(() => workspace[Symbol.asyncDispose]())

test('says nothing while the file means the same, however it is written', async () => {
  const check = startingWith(JSON.stringify(edge()))
  await workspace.writeManifest(edge())
  expect(await check()).toBeUndefined()
  await workspace.writeManifest(`# a comment\n${JSON.stringify(edge({ certExpireDays: 30 }))}`)
  expect(await check()).toBeUndefined()
})

test('says so when the file means something else, is broken or is gone, and when it is back', async () => {
  const check = startingWith(JSON.stringify(edge()))
  await workspace.writeManifest(edge({ certExpireDays: 31 }))
  expect(await check()).toContain('another one than the one that runs')
  await workspace.writeManifest('nonsense')
  expect(await check()).toContain('not usable')
  await rm(workspace.manifest)
  expect(await check()).toContain('does not exist')
  await workspace.writeManifest(edge())
  expect(await check()).toBeUndefined()
})
