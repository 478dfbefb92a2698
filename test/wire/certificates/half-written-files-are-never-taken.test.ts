import { appendFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createAuthority, type Issued } from '../../support/certificates.ts'
import { sha256 } from '../../support/digest.ts'
import { startEdge } from '../../support/edge.ts'
import { eventually } from '../../support/eventually.ts'

const root = createAuthority()
const intermediate = root.intermediate()
const issue = (): Issued => intermediate.issue({ names: ['a.test'] })
const chain = ({ certPem }: Issued): string => certPem + intermediate.chainPem

/** Writes a file from its start, a piece at a time, as a slow copy does. */
async function copySlowly(path: string, text: string, pieces: number, pauseMs: number): Promise<void> {
  await truncate(path, 0)
  const size = Math.ceil(text.length / pieces)
  for (let at = 0; at < text.length; at += size) {
    await appendFile(path, text.slice(at, at + size))
    await sleep(pauseMs)
  }
}

test.each([
  ['quickly', 12, 20],
  ['slowly', 6, 250],
  ['with pauses longer than any grace', 3, 1_200],
])(
  'while a pair is copied %s in pieces, every client gets the old pair or the new one',
  { timeout: 60_000 },
  async (_name, pieces, pauseMs) => {
    const first = issue()
    const next = issue()
    await using edge = await startEdge({
      hosts: [{}],
      async prepare(workspace) {
        await workspace.removeSecret('a')
        await workspace.copySecret('a', { 'tls.crt': chain(first), 'tls.key': first.keyPem })
      },
    })
    const whole = [sha256(first.certificate.raw), sha256(next.certificate.raw)]
    const seen: string[] = []
    let isCopied = false
    const watching = (async () => {
      while (!isCopied) {
        // The client knows the root alone: a leaf without its intermediate would not do.
        await using client = await edge.connect({ ca: root.rootPem })
        expect(await client.request('hello')).toBe('hello')
        seen.push(client.serverSha256)
        await sleep(10)
      }
    })()
    const directory = join(edge.workspace.secrets, 'a')
    await copySlowly(join(directory, 'tls.crt'), chain(next), pieces, pauseMs)
    await copySlowly(join(directory, 'tls.key'), next.keyPem, pieces, pauseMs)
    await eventually(() => expect(seen.at(-1)).toBe(whole[1]))
    isCopied = true
    await watching
    expect(new Set(seen)).toEqual(new Set(whole))
    expect((await edge.engine.status()).icsHosts).toMatchObject([{ grade: 'OK', messages: [] }])
    // Each was in service once: nothing in between was loaded.
    const loaded = () => edge.engine.lines.filter((line) => line.message === 'certificate loaded')
    await eventually(() => expect(loaded().map((line) => line['sha256'])).toEqual(whole))
  },
)

test('a leaf that is written before its intermediate waits for it', async () => {
  const first = issue()
  const next = issue()
  await using edge = await startEdge({
    hosts: [{}],
    async prepare(workspace) {
      await workspace.removeSecret('a')
      await workspace.copySecret('a', { 'tls.crt': chain(first), 'tls.key': first.keyPem })
    },
  })
  const directory = join(edge.workspace.secrets, 'a')
  await writeFile(join(directory, 'tls.key'), next.keyPem)
  await writeFile(join(directory, 'tls.crt'), next.certPem)
  await eventually(async () => {
    const { icsHosts } = await edge.engine.status()
    expect(icsHosts).toMatchObject([{ certificates: [{ lastKnownGood: true }] }])
    expect(String(icsHosts[0]?.['messages'])).toContain('intermediate')
  })
  await using before = await edge.connect({ ca: root.rootPem })
  expect(before.serverSha256).toBe(sha256(first.certificate.raw))
  await appendFile(join(directory, 'tls.crt'), intermediate.chainPem)
  await eventually(async () => {
    await using after = await edge.connect({ ca: root.rootPem })
    expect(after.serverSha256).toBe(sha256(next.certificate.raw))
  })
})
