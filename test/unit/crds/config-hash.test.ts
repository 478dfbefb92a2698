import { expect, test } from 'vitest'
import { configHash, parseSocketServer } from '../../../crds/index.ts'

const hashOf = (spec: object) => {
  const host = { hostTag: 'a', hostNames: ['a.example'], certificate: { secretName: 'a' }, handler: { type: 'Echo' } }
  const result = parseSocketServer({
    apiVersion: 'icshosts.io/v1alpha1',
    kind: 'SocketServer',
    metadata: { name: 'a' },
    spec: { listeners: [{ name: 'https', port: 443 }], icsHosts: [host], ...spec },
  })
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return configHash(result.value)
}

test.each([{ replicas: 5 }, { service: { type: 'NodePort' } }, { template: { labels: { a: 'b' } } }])(
  'what speaks of pods alone is not served, and is not in the hash: %j',
  (spec) => expect(hashOf(spec)).toBe(hashOf({})),
)

test.each([{ maxClients: 5 }, { listeners: [{ name: 'https', port: 444 }] }, { timeouts: { idleSeconds: 1 } }])(
  'what is served is in the hash: %j',
  (spec) => expect(hashOf(spec)).not.toBe(hashOf({})),
)

test('a default said aloud changes nothing', () => {
  expect(hashOf({ maxClients: 1000, timeouts: {} })).toBe(hashOf({}))
})
