import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PodReader } from '../../../operator/pod-reader.ts'
import type { TrimmedPod } from '../../../operator/trim.ts'

let asked = 0
const server = createServer((_request, response) => {
  asked += 1
  const status = { name: 'edge', namespace: 'shop', configHash: 'a', clients: asked, listeners: [], icsHosts: [] }
  response.end(JSON.stringify(status))
})
beforeAll(() => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve())))
afterAll(() => void server.close())

const podOf = (uid: string): TrimmedPod => ({
  metadata: { name: `edge-${uid}`, namespace: 'shop', uid },
  ...{ instance: 'edge', ip: '127.0.0.1', adminPort: (server.address() as AddressInfo).port, nudge: '', mounts: [] },
  ...{ isReady: true, isRunning: true, trouble: undefined },
})

test('a pod that was asked a moment ago is not asked again, and later it is', async () => {
  let now = 1_000
  const reader = new PodReader({ now: () => now })
  const before = asked
  await reader.read(podOf('a'), 'edge', 100)
  now += 99
  expect(await reader.read(podOf('a'), 'edge', 100)).toMatchObject({ configHash: 'a', clients: before + 1 })
  expect(asked).toBe(before + 1)
  now += 1
  expect(await reader.read(podOf('a'), 'edge', 100)).toMatchObject({ clients: before + 2 })
  now -= 3_600_000
  expect(await reader.read(podOf('a'), 'edge', 100)).toMatchObject({ clients: before + 3 })
})

test('answers are kept for that moment only, however many pods there are', async () => {
  let now = 1_000
  const reader = new PodReader({ now: () => now })
  for (let at = 0; at < 50; at++) {
    await reader.read(podOf(`pod-${at}`), 'edge', 100)
    now += 10
  }
  expect(reader.kept).toBeLessThanOrEqual(11)
  now += 1_000
  await reader.read(podOf('last'), 'edge', 100)
  expect(reader.kept).toBe(1)
})
