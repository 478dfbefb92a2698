import { expect, test } from 'vitest'
import { runCommand } from '../../support/command.ts'
import { startEngine } from '../../support/engine-process.ts'
import { eventually } from '../../support/eventually.ts'
import { listener, socketServer } from '../../support/manifest.ts'
import { freePort } from '../../support/ports.ts'

const health = async (...args: string[]) => {
  const { code, stdout, stderr } = await runCommand(['health', ...args])
  return { code, stdout, stderr }
}

test('an engine that cannot use its manifest is alive and not ready, and both are told by the exit code', async () => {
  const echo = { tls: false, handler: { type: 'Echo' } }
  const manifest = socketServer({ listeners: [listener({ name: 'plain', port: await freePort(), ...echo })] })
  await using engine = await startEngine({ manifest })
  const admin = ['--admin', new URL(engine.adminUrl).host]
  expect(await health(...admin)).toEqual({ code: 0, stdout: 'ok\n', stderr: '' })
  expect(await health(...admin, '--ready')).toMatchObject({ code: 0, stderr: '' })

  await engine.writeManifest(`${JSON.stringify(manifest).slice(0, -2)}, "listners": [] } }`)
  const unready = await eventually(
    async () => {
      const answer = await health(...admin, '--ready')
      expect(answer).toMatchObject({ code: 1, stderr: '' })
      return answer
    },
    { withinMs: 15_000 },
  )
  expect(unready.stdout).toContain('listners')
  expect(await health(...admin)).toMatchObject({ code: 0 })
  expect(await health('--admin', `localhost:${new URL(engine.adminUrl).port}`)).toMatchObject({ code: 0 })
})

test('where nobody answers, the exit code is 2 and the cure is told', async () => {
  const { code, stdout, stderr } = await health('--admin', `127.0.0.1:${await freePort()}`)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/^Cannot reach the engine: nobody answers at 127\.0\.0\.1:\d+\nhint: .*--admin/)
  for (const wrong of ['none', '127.0.0.1:70000', 'http://localhost:8900'])
    expect(await health('--admin', wrong)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`"${wrong}" is not`),
    })
})
