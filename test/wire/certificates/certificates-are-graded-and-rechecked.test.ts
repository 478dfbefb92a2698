import { describe, expect, test } from 'vitest'
import { createAuthority, type Issued, type IssueOptions } from '../../support/certificates.ts'
import { type Edge, startEdge } from '../../support/edge.ts'
import { eventually } from '../../support/eventually.ts'
import type { Part } from '../../support/manifest.ts'

const DAY = 86_400_000
const inDays = (days: number) => new Date(Date.now() + days * DAY)
const root = createAuthority({ notAfter: inDays(900) })

const startWith = (leaf: Issued, chainPem = '', spec: Part = {}): Promise<Edge> =>
  startEdge({
    hosts: [{}],
    spec,
    prepare: (workspace) => workspace.mountSecret('a', { 'tls.crt': leaf.certPem + chainPem, 'tls.key': leaf.keyPem }),
  })

const issue = (options: IssueOptions = {}) => root.issue({ names: ['a.test'], ...options })
const host = async (edge: Edge) => (await edge.engine.status()).icsHosts[0]

describe('a host is graded', () => {
  test('OK while nothing is to be done', async () => {
    await using edge = await startWith(issue({ notAfter: inDays(31) }))
    expect(await host(edge)).toMatchObject({ grade: 'OK', messages: [] })
    expect((await edge.engine.metrics()).sum('socketserver_certificate_grade', { host: 'a', grade: 'OK' })).toBe(1)
  })

  test('Warn when its certificate ends within certExpireDays', async () => {
    await using edge = await startWith(issue({ notAfter: inDays(31) }), '', { certExpireDays: 40 })
    const message = /^Secret "a": tls\.crt: the certificate "CN=a\.test" expires at \S+, in (30|31) days; renew it/
    expect(await host(edge)).toMatchObject({ grade: 'Warn', messages: [expect.stringMatching(message)] })
  })

  test('Warn when any certificate of the chain ends within certExpireDays', async () => {
    const old = root.intermediate({ name: 'Old Intermediate', notAfter: inDays(10) })
    await using edge = await startWith(old.issue({ names: ['a.test'], notAfter: inDays(60) }), old.chainPem)
    const message =
      /^Secret "a": tls\.crt: the intermediate "CN=Old Intermediate" expires at \S+, in \d+ days; put its successor/
    expect(await host(edge)).toMatchObject({ grade: 'Warn', messages: [expect.stringMatching(message)] })
  })

  test('Warn when the root in ca.crt ends within certExpireDays, though it is not served', async () => {
    const ending = createAuthority({ name: 'Ending Root', notAfter: inDays(10) })
    const leaf = ending.issue({ names: ['a.test'], notAfter: inDays(60) })
    await using edge = await startEdge({
      hosts: [{}],
      prepare: (workspace) =>
        workspace.mountSecret('a', { 'tls.crt': leaf.certPem, 'tls.key': leaf.keyPem, 'ca.crt': ending.cert }),
    })
    const message =
      /^Secret "a": the root "CN=Ending Root" of the chain of tls\.crt expires at \S+, in \d+ days?; order/
    expect(await host(edge)).toMatchObject({ grade: 'Warn', messages: [expect.stringMatching(message)] })
  })

  test('Fail when its certificate does not cover every name of the host', async () => {
    await using edge = await startEdge({
      hosts: [{ hostNames: ['a.test', 'www.a.test'] }],
      prepare: (workspace) => {
        const { certPem, keyPem } = issue()
        return workspace.mountSecret('a', { 'tls.crt': certPem, 'tls.key': keyPem })
      },
    })
    const message = /^Secret "a": tls\.crt does not cover the host name "www\.a\.test": .*order a certificate/
    expect(await host(edge)).toMatchObject({ grade: 'Fail', messages: [expect.stringMatching(message)] })
  })

  test('by time alone: Warn, then Fail once the end is over, while it is still served', async () => {
    await using edge = await startWith(issue({ notAfter: new Date(Date.now() + 4_000) }))
    expect(await host(edge)).toMatchObject({ grade: 'Warn' })
    const message = /^Secret "a": tls\.crt: the certificate "CN=a\.test" expired at \S+/
    await eventually(
      async () => expect(await host(edge)).toMatchObject({ grade: 'Fail', messages: [expect.stringMatching(message)] }),
      { withinMs: 15_000 },
    )
    await using client = await edge.connect({ ca: undefined })
    expect(await client.request('hello')).toBe('hello')
    const line = await edge.engine.waitForLog(
      (one) => one.message === 'certificate grade changed' && one['grade'] === 'Fail',
    )
    expect(line).toMatchObject({ level: 'error', host: 'a', from: 'Warn' })
    const grade = { host: 'a', grade: 'Fail' }
    expect((await edge.engine.metrics()).sum('socketserver_certificate_grade', grade)).toBe(1)
  })
})

test('certificates are checked again on SIGHUP and every recheckSeconds, and both are told', async () => {
  await using edge = await startWith(issue(), '', { recheckSeconds: 10 })
  const rechecked = (cause: string) => (one: Part) =>
    one['message'] === 'certificates rechecked' && one['cause'] === cause
  process.kill(edge.engine.pid, 'SIGHUP')
  await edge.engine.waitForLog(rechecked('SIGHUP'))
  await edge.engine.waitForLog(rechecked('recheckSeconds'), 20_000)
  expect(await host(edge)).toMatchObject({ grade: 'OK', messages: [] })
})
