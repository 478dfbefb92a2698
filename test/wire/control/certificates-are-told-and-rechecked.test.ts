import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { CertsReport, RecheckReport } from '../../../sidecar/control/control-socket/control-target.ts'
import { createAuthority } from '../../support/certificates.ts'
import { control, controlJson } from '../../support/control.ts'
import { startEngine } from '../../support/engine-process.ts'
import { host, listener, socketServer } from '../../support/manifest.ts'
import { freePort } from '../../support/ports.ts'
import { connectTls } from '../../support/tls-client.ts'
import { createWorkspace } from '../../support/workspace.ts'

const root = createAuthority({ name: 'Test Root' })
const between = root.intermediate({ name: 'Test Between' })
const days = (count: number) => new Date(Date.now() + count * 86_400_000)
const secretOf = (name: string, notAfter = days(90)) => {
  const { certPem, keyPem, certificate } = between.issue({ names: [name], notAfter })
  return {
    files: { 'tls.crt': certPem + between.chainPem, 'tls.key': keyPem },
    sha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  }
}

/** An engine with a good host, one whose certificate ends soon, and one without any. */
async function startThree() {
  const workspace = await createWorkspace()
  const [good, soon] = [secretOf('good.test'), secretOf('soon.test', days(5))]
  await workspace.mountSecret('good', good.files)
  await workspace.mountSecret('soon', soon.files)
  const port = await freePort()
  const engine = await startEngine({
    manifest: socketServer({
      listeners: [listener({ port })],
      icsHosts: ['good', 'soon', 'absent'].map((hostTag) => host({ hostTag })),
    }),
    secrets: workspace.secrets,
  })
  return { engine, workspace, port, good, soon }
}

test('expiry, grade, messages and chain of every host are told; a host that lacks one makes the exit code 1', async () => {
  const { engine, workspace, good, port } = await startThree()
  await using _ = engine
  await using __ = workspace
  const { code, stdout } = await control(engine, 'certs')
  expect(code).toBe(1)
  const lines = stdout.split('\n')
  expect(lines[0]).toMatch(/^HOST +GRADE +SECRET +KEY-TYPE +EXPIRES +LEFT +CHAIN$/)
  expect(lines[1]).toMatch(
    /^good +OK +good +EC-P-256 +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +89d23h +good\.test < Test Between < Test Root$/,
  )
  expect(lines[2]).toMatch(/^soon +Warn +soon .* 4d23h +soon\.test </)
  expect(lines[3]).toMatch(/^absent +None +- +- +- +- +-$/)
  expect(stdout).toMatch(/^soon: Warn\n {2}Secret "soon".*expires at/m)
  expect(stdout).toMatch(/^absent: None\n {2}Secret "absent" is missing/m)

  const { hosts } = await controlJson<CertsReport>(engine, 'certs')
  expect(hosts[0]).toMatchObject({
    ...{ hostTag: 'good', grade: 'OK', messages: [] },
    certificates: [
      {
        ...{ secretName: 'good', sha256: good.sha256, keyType: 'EC P-256', names: ['good.test'] },
        chain: [{ sha256: good.sha256 }, { subject: 'CN=Test Between', issuer: 'CN=Test Root' }],
      },
    ],
  })
  // It is the certificate that clients see.
  await using client = await connectTls({ port, servername: 'good.test' })
  expect(client.serverSha256).toBe(hosts[0]?.certificates[0]?.sha256)
  expect(JSON.stringify(hosts)).not.toContain('PRIVATE')
  expect((await control(engine, 'certs', '-o', 'wide')).stdout).toContain(good.sha256)
})

test('a certificate that has expired makes the exit code 1', async () => {
  await using workspace = await createWorkspace()
  await workspace.mountSecret('a', secretOf('a.test', days(-1)).files)
  await using engine = await startEngine({
    manifest: socketServer({ listeners: [listener({ port: await freePort() })], icsHosts: [host()] }),
    secrets: workspace.secrets,
  })
  for (const command of ['certs', 'recheck']) {
    const { code, stdout } = await control(engine, command)
    expect(code).toBe(1)
    expect(stdout).toMatch(/^a: Fail\n {2}Secret "a".*expired/m)
  }
})

test('recheck waits for what it finds, tells what changed, and ends with 1 while a host lacks its certificate', async () => {
  const { engine, workspace, port, good } = await startThree()
  await using _ = engine
  await using __ = workspace
  const quiet = await control(engine, 'recheck')
  expect(quiet.code).toBe(1)
  expect(quiet.stdout).toMatch(/^Nothing changed\.\nChecked 3 hosts: 1 OK, 1 Warn, 1 None\.\n/)

  // A change may be found by the watch a moment before: what is told is one or the other, what is served is both.
  const [renewed, absent] = [secretOf('good.test'), secretOf('absent.test')]
  await workspace.mountSecret('good', renewed.files)
  await workspace.mountSecret('absent', absent.files)
  const { changes, hosts } = await controlJson<RecheckReport>(engine, 'recheck')
  expect(hosts.map(({ grade }) => grade)).toEqual(['OK', 'Warn', 'OK'])
  expect(hosts[0]?.certificates[0]?.sha256).toBe(renewed.sha256)
  for (const { hostTag, what } of changes)
    expect(`${hostTag}: ${what}`).toMatch(/^(good: Secret "good" has a new certificate|absent: )/)
  // It is in service when the command is back.
  await using client = await connectTls({ port, servername: 'good.test' })
  expect(client.serverSha256).toBe(renewed.sha256)
  expect(client.serverSha256).not.toBe(good.sha256)
  expect((await control(engine, 'recheck')).code).toBe(0)
})

test('recheck tells a Secret that went, and the certificate before it stays in service', async () => {
  const { engine, workspace, port, good } = await startThree()
  await using _ = engine
  await using __ = workspace
  await rm(join(workspace.secrets, 'good'), { recursive: true })
  await control(engine, 'recheck')
  const { hosts } = await controlJson<CertsReport>(engine, 'certs')
  expect(hosts[0]).toMatchObject({ grade: 'Warn', certificates: [{ sha256: good.sha256, lastKnownGood: true }] })
  await using client = await connectTls({ port, servername: 'good.test' })
  expect(client.serverSha256).toBe(good.sha256)
})
