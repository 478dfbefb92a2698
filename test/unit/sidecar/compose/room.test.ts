import fc from 'fast-check'
import { expect, test } from 'vitest'
import { roomOf } from '../../../../sidecar/compose/room.ts'

test('a process with many open files has room for as many clients as the manifest wants', () => {
  expect(roomOf(1_048_576)).toMatchObject({ clients: 524_120, lanes: { tls: 32, plain: 256 } })
  expect(roomOf(undefined)).toMatchObject({ clients: undefined, lanes: { tls: 32, plain: 256 } })
})

test('clients with their backends, and those that are told that it is too busy, never need more than there is', () => {
  fc.assert(
    fc.property(fc.integer({ min: 64, max: 2_000_000 }), (descriptors) => {
      const { clients = 0, lanes } = roomOf(descriptors)
      expect(clients).toBeGreaterThan(0)
      expect(2 * clients + lanes.tls + lanes.plain).toBeLessThan(descriptors - 40)
    }),
  )
})
