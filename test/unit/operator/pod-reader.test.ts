import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PodReader } from '../../../operator/pod-reader.ts'
import type { TrimmedPod } from '../../../operator/trim.ts'
import { eventually } from '../../support/eventually.ts'

let asked = 0
let isMute = false
const cut: string[] = []
const server = createServer((request, response) => {
  asked += 1
  if (isMute) {
    request.once('close', () => cut.push('cut'))
    return
  }
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

test('a pod that does not answer in time is waited for once, asked on, and heard when it answers', async () => {
  const heard: string[] = []
  const reader = new PodReader({ now: () => Date.now() }, (key) => heard.push(key))
  isMute = true
  const told = { unread: expect.stringMatching(/no whole answer on port/) }
  expect(await reader.read(podOf('mute'), 'edge', 100)).toEqual(told)
  const before = asked
  for (let time = 0; time < 100; time += 1) expect(await reader.read(podOf('mute'), 'edge', 100)).toEqual(told)
  expect(cut.length).toBeLessThanOrEqual(1)
  isMute = false
  await eventually(
    async () => {
      await reader.read(podOf('mute'), 'edge', 100)
      expect(heard).toContain('shop/edge')
    },
    { withinMs: 20_000 },
  )
  expect(asked - before).toBeLessThanOrEqual(3)
  expect(await reader.read(podOf('mute'), 'edge', 100_000)).toMatchObject({ configHash: 'a' })
})
