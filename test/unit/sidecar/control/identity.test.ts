import { expect, test } from 'vitest'
import { parseSocketServer } from '../../../../crds/index.ts'
import { identityOf } from '../../../../sidecar/control/identity.ts'
import { host, listener, type Part, socketServer } from '../../../support/manifest.ts'

const identity = (changes: Part = {}) => {
  const parsed = parseSocketServer(
    socketServer({ listeners: [listener({ port: 8443 })], icsHosts: [host()], ...changes }),
  )
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return identityOf(parsed.value)
}

test('identityOf() takes name, namespace and generation from the metadata', () => {
  expect(identity()).toMatchObject({ name: 'edge', namespace: '', generation: 0 })
  const metadata = { name: 'edge', namespace: 'shop', generation: 7 }
  expect(identity({ metadata })).toMatchObject({ name: 'edge', namespace: 'shop', generation: 7 })
})

test('the hash is the same for the same spec: order of keys, written defaults and metadata do not matter', () => {
  const { configHash } = identity()
  expect(configHash).toMatch(/^[0-9a-f]{16}$/)
  expect(identity({ metadata: { name: 'other' } }).configHash).toBe(configHash)
  expect(identity({ bindPolicy: 'BestEffort', certExpireDays: 30 }).configHash).toBe(configHash)
  const { hostTag, ...rest } = host() as { hostTag: string }
  expect(identity({ icsHosts: [{ ...rest, hostTag }] }).configHash).toBe(configHash)
})

test('the hash is another one for another spec', () => {
  const hashes = [
    identity(),
    identity({ certExpireDays: 31 }),
    identity({ listeners: [listener({ port: 8444 })] }),
    identity({ icsHosts: [host({ hostNames: ['b.test'] })] }),
    identity({ icsHosts: [host({ hostNames: ['a.test', 'b.test'] })] }),
    identity({ icsHosts: [host({ hostNames: ['b.test', 'a.test'] })] }),
  ].map((one) => one.configHash)
  expect(new Set(hashes).size).toBe(hashes.length)
})
