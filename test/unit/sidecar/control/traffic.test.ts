import { expect, test } from 'vitest'
import { trafficOf } from '../../../../sidecar/control/traffic.ts'

const close = {
  listener: 'a',
  hostTag: 'shop',
  reason: 'Completed',
  count: 3,
  receivedBytes: 10,
  sentBytes: 20,
} as const

test('what ended and what is connected are one sum per listener and host', () => {
  const closes = new Map([
    ['1', { ...close }],
    ['2', { ...close, reason: 'IdleTooLong' as const, count: 1 }],
    ['3', { ...close, listener: 'b', hostTag: '', count: 2, receivedBytes: 0, sentBytes: 7 }],
  ])
  const live = [
    { listener: 'a', hostTag: 'shop', clients: 2, receivedBytes: 100, sentBytes: 200 },
    { listener: 'a', hostTag: 'news', clients: 1, receivedBytes: 1, sentBytes: 2 },
  ]
  expect(trafficOf({ closes }, live, ['a', 'c'])).toEqual([
    { listener: 'a', hostTag: '', connections: 0, receivedBytes: 0, sentBytes: 0 },
    { listener: 'c', hostTag: '', connections: 0, receivedBytes: 0, sentBytes: 0 },
    { listener: 'a', hostTag: 'shop', connections: 6, receivedBytes: 120, sentBytes: 240 },
    { listener: 'b', hostTag: '', connections: 2, receivedBytes: 0, sentBytes: 7 },
    { listener: 'a', hostTag: 'news', connections: 1, receivedBytes: 1, sentBytes: 2 },
  ])
})
