import { expect, test } from 'vitest'
import { control } from '../../support/control.ts'
import { ask, startTwoDoors } from '../../support/two-doors.ts'

const VERBS = ['states', 'clients', 'disconnect', 'certs', 'recheck', 'drain', 'totals']
const PATHS = ['/', '/livez', '/readyz', '/metrics', '/status', ...VERBS.flatMap((verb) => [`/${verb}`, `/v1/${verb}`])]

test('whatever is asked of it, clients and configuration stay as they are', async () => {
  await using engine = await startTwoDoors()
  await using client = await engine.tls.connect()
  await ask(client)
  const before = await engine.status()
  for (const path of PATHS) {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const body = method === 'OPTIONS' ? {} : { body: '{"clientIds": ["c-1", "c-2"]}' }
      const { status, headers } = await fetch(engine.adminUrl + path, { method, ...body })
      expect([path, method, status, headers.get('allow')]).toEqual([path, method, 405, 'GET, HEAD'])
    }
    const isPage = !VERBS.some((verb) => path.endsWith(verb))
    expect([path, (await engine.admin(path)).code]).toEqual([path, isPage ? 200 : 404])
  }
  expect(await ask(client, 'still here')).toBe('still here')
  expect(await engine.status()).toEqual(before)
  expect(engine.lines.filter(({ message }) => /disconnected|stopping|rechecked/.test(message))).toEqual([])
  expect((await control(engine, 'states')).code).toBe(0)
})
