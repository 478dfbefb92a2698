import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { control, controlJson } from '../../support/control.ts'
import { startEngine } from '../../support/engine-process.ts'
import { listener, socketServer } from '../../support/manifest.ts'
import { freePort } from '../../support/ports.ts'

const echo = { handler: { type: 'Echo' } }

test('every listener that listens is one line in the form of the ancestor, and the exit code is 0', async () => {
  const [one, two] = [await freePort(), await freePort()]
  await using engine = await startEngine({
    manifest: socketServer({
      listeners: [
        listener({ name: 'https', address: '::', port: one }),
        listener({ name: 'http', port: two, tls: false, socketFamily: 'IPv4', ...echo }),
      ],
      icsHosts: [
        {
          hostTag: 'a',
          hostNames: ['a.test'],
          listeners: ['https'],
          handler: { type: 'Echo' },
          certificate: { secretName: 'a' },
        },
      ],
    }),
  })
  const { code, stdout, stderr } = await control(engine, 'states')
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toBe(
    `Socket 1 State: Listening Any on :: port ${one} SSL\nSocket 2 State: Listening Only IPv4 on 127.0.0.1 port ${two}\n`,
  )
  expect(await controlJson(engine, 'states')).toMatchObject({
    ...{ name: 'edge', listenAllOk: true, stopping: false, clients: 0 },
    listeners: [
      { name: 'https', state: 'Listening', port: one, tls: true },
      { name: 'http', state: 'Listening', port: two, tls: false },
    ],
  })
  const yaml = await control(engine, 'states', '-o', 'yaml')
  expect(yaml.stdout).toMatch(/^listenAllOk: true$/m)
  expect(yaml.stdout).toMatch(/^ {2}- name: https$/m)
  const wide = (await control(engine, 'states', '-o', 'wide')).stdout.split('\n')
  expect(wide[0]).toMatch(/^LISTENER {2}STATE +FAMILY {2}ENDPOINT +TLS {2}CLIENTS {2}ERROR$/)
  expect(wide[1]).toMatch(new RegExp(`^https     Listening  Any +\\[::\\]:${one} +yes        0  -$`))
})

test('a listener that does not listen is told with its cause, and the exit code is 1', async () => {
  const [free, taken] = [await freePort(), await freePort()]
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(taken, '127.0.0.1', resolve))
  try {
    await using engine = await startEngine({
      manifest: socketServer({
        listeners: [
          listener({ name: 'one', port: free, tls: false, ...echo }),
          listener({ name: 'two', port: taken, tls: false, ...echo }),
        ],
      }),
    })
    const { code, stdout } = await control(engine, 'states')
    expect(code).toBe(1)
    const [first, second] = stdout.split('\n')
    expect(first).toBe(`Socket 1 State: Listening Any on 127.0.0.1 port ${free}`)
    expect(second).toContain(`Socket 2 State: Closed Any on 127.0.0.1 port ${taken} (`)
    expect(second).toContain(`another server is already listening on 127.0.0.1:${taken}`)
    expect(await controlJson(engine, 'states')).toMatchObject({ listenAllOk: false })
  } finally {
    other.close()
  }
})
