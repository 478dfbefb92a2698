import { mkdir, truncate } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { runCommand } from '../../support/command.ts'
import { host, listener, socketServer } from '../../support/manifest.ts'
import { createWorkspace, type Workspace } from '../../support/workspace.ts'

const GOOD = JSON.stringify(socketServer({ listeners: [listener({ port: 8443 })], icsHosts: [host()] }))
const HEAD = 'apiVersion: icshosts.io/v1alpha1\nkind: SocketServer\nmetadata: { name: edge }\n'

// Nine levels of nine aliases each: some 387 million values in 300 bytes.
const EXPLODING = [
  'a0: &a0 [x, x, x, x, x, x, x, x, x]',
  ...Array.from({ length: 8 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(', ')}]`),
].join('\n')

type Case = {
  /** What is wrong, in the message. */
  readonly cause: RegExp
  readonly code: 1 | 2
  /** Writes the input and returns its path. */
  readonly write: (workspace: Workspace) => Promise<string>
}
const text = (content: string) => (workspace: Workspace) => workspace.write('edge.yaml', content)

const CASES: Readonly<Record<string, Case>> = {
  'an empty manifest': { cause: /empty/, code: 1, write: text('') },
  'a manifest of comments': { cause: /no resource/, code: 1, write: text('# nothing\n---\n') },
  'another kind': {
    cause: /"Deployment"/,
    code: 1,
    write: text('apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: a }\n'),
  },
  'another version': { cause: /"icshosts\.io\/v9"/, code: 1, write: text(GOOD.replace('v1alpha1', 'v9')) },
  'no manifest at all': { cause: /not a manifest/, code: 1, write: text('hello') },
  'broken YAML': { cause: /line 6/, code: 1, write: text(`${HEAD}spec:\n  listeners: [\n`) },
  'duplicate keys': {
    cause: /"port"/,
    code: 1,
    write: text(`${HEAD}spec:\n  listeners:\n  - name: a\n    port: 1\n    port: 2\n`),
  },
  'anchors that explode': { cause: /alias/, code: 1, write: text(`${HEAD}${EXPLODING}\n`) },
  'an anchor within itself': { cause: /alias|itself|recursive/i, code: 1, write: text(`${HEAD}spec: &a { b: *a }\n`) },
  'nesting without end': { cause: /deep|nest/i, code: 1, write: text(`${HEAD}spec: ${'['.repeat(100_000)}`) },
  'a binary file': {
    cause: /not text in UTF-8/,
    code: 2,
    write: (at) => at.write('edge.yaml', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 0xff])),
  },
  'a file of 100 MB': {
    cause: /104857600 bytes/,
    code: 2,
    async write(workspace) {
      const path = await workspace.write('edge.yaml', '')
      await truncate(path, 100 * 1024 * 1024)
      return path
    },
  },
  'a missing file': { cause: /does not exist/, code: 2, write: async ({ path }) => `${path}/no.yaml` },
  'a directory without a manifest': {
    cause: /has no \.yaml/,
    code: 2,
    async write({ path }) {
      await mkdir(`${path}/empty`)
      return `${path}/empty`
    },
  },
}

describe.each(['serve', 'validate'])('%s', (command) => {
  test.each(Object.entries(CASES))('%s', async (_name, { cause, code, write }) => {
    await using workspace = await createWorkspace()
    const path = await write(workspace)
    const started = performance.now()
    const result = await runCommand([command, '-f', path, ...(command === 'serve' ? ['--admin', 'none'] : [])])
    const output = result.stdout + result.stderr
    expect(output).toMatch(cause)
    expect(output).toMatch(/^ *hint: .+/m)
    expect(output).not.toMatch(/^ +at /m)
    expect([result.code, result.signal]).toEqual([code, null])
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})

test('serve tells every problem of a manifest at once and exits with 1', async () => {
  await using workspace = await createWorkspace()
  await workspace.writeManifest(socketServer({ listners: [], bindPolicy: 'Sometimes', recheckSeconds: 1 }))
  const { code, stdout, stderr } = await runCommand(['serve', '-f', workspace.manifest])
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toContain('has 3 problems')
  for (const path of ['spec.listners: ', 'spec.bindPolicy: ', 'spec.recheckSeconds: ']) expect(stderr).toContain(path)
  expect(stderr.match(/hint: /g)?.length).toBe(3)
})

test('serve refuses a file with several SocketServers, lists them, and takes the one that is named', async () => {
  await using workspace = await createWorkspace()
  await workspace.writeManifest([GOOD, GOOD.replace('"edge"', '"other"')].join('\n---\n'))
  const several = await runCommand(['serve', '-f', workspace.manifest])
  expect(several).toMatchObject({ code: 2, stdout: '' })
  expect(several.stderr).toMatch(/holds 2 SocketServers.*"edge", "other"\nhint: .*--name edge/)
  const unknown = await runCommand(['serve', '-f', workspace.manifest, '--name', 'third'])
  expect(unknown).toMatchObject({ code: 2 })
  expect(unknown.stderr).toMatch(/no SocketServer named "third"\nhint: .*"edge", "other"/)
})

test.each(['--secrets', '--configmaps'])('a directory given by %s must be there', async (option) => {
  await using workspace = await createWorkspace()
  await workspace.writeManifest(GOOD)
  for (const directory of [`${workspace.path}/no`, workspace.manifest]) {
    const { code, stderr } = await runCommand(['serve', '-f', workspace.manifest, option, directory])
    expect(code).toBe(2)
    expect(stderr).toContain(`"${directory}", given by ${option}, is not a directory`)
    expect(stderr).toMatch(/^hint: /m)
  }
})
