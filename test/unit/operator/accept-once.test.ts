import { expect, test } from 'vitest'
import { RECHECK_ANNOTATION } from '../../../crds/index.ts'
import { acceptOnce } from '../../../operator/accept-once.ts'
import type { KubeObject } from '../../../operator/kube/objects.ts'
import { trimServer } from '../../../operator/trim.ts'
import { parentOf } from './reconcile/sample.ts'

const serverOf = (spec: object = {}, metadata: object = {}) =>
  trimServer(parentOf(spec, metadata) as unknown as KubeObject)

test('a specification is judged once, and what children are made of comes with a new judgement alone', () => {
  const first = acceptOnce(serverOf(), undefined)
  expect(first.served?.manifest).toContain('"hostTag":"shop"')
  const again = acceptOnce(serverOf({}, { resourceVersion: '8' }), first.known)
  expect(again.known.is).toBe(first.known.is)
  expect(again.served).toBeUndefined()
  expect(again.known.is).toMatchObject({ accepted: true, expected: { listeners: 1, tlsTags: ['shop'] } })
  expect(Object.keys(again.known.is).sort()).toEqual(['accepted', 'configHash', 'expected'])
})

test.each([
  ['another generation', serverOf({}, { generation: 4 })],
  ['the same generation with another content', serverOf({ maxClients: 5 })],
  ['a wish to check certificates', serverOf({}, { annotations: { [RECHECK_ANNOTATION]: 'now' } })],
])('%s is judged anew', (_what, server) => {
  const { known } = acceptOnce(serverOf(), undefined)
  const next = acceptOnce(server, known)
  expect(next.known.is).not.toBe(known.is)
  expect(next.served).toBeDefined()
})

test('what cannot be served is told each time with its cause', () => {
  const server = serverOf({ listeners: [] })
  const { known, served } = acceptOnce(server, undefined)
  expect(served).toBeUndefined()
  expect(acceptOnce(server, known).known.is).toMatchObject({ accepted: false, reason: 'Invalid' })
})
