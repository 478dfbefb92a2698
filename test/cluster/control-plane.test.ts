import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { type ControlPlane, startControlPlane } from '../support/control-plane/control-plane.ts'
import { describeCluster } from '../support/control-plane/describe-cluster.ts'
import { eventually } from '../support/eventually.ts'
import { repository } from '../support/runtime.ts'

/** Whether a process that is not a zombie has this id. */
const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const names = async (plane: ControlPlane) => {
  const { body } = await plane.admin.request('/api/v1/namespaces')
  return (body as { items: { metadata: { name: string } }[] }).items.map(({ metadata }) => metadata.name)
}

const createNamespace = async (plane: ControlPlane, name: string) => {
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
  expect((await plane.admin.request('/api/v1/namespaces', { body })).status).toBe(201)
}

/** A program that starts a control plane, tells where its directory is and which processes it started, and waits. */
const PROGRAM = `
  import { readdirSync, readFileSync } from 'node:fs'
  import { startControlPlane } from './test/support/control-plane/control-plane.ts'
  const plane = await startControlPlane()
  const commandOf = (pid) => { try { return readFileSync('/proc/' + pid + '/cmdline', 'latin1') } catch { return '' } }
  const pids = readdirSync('/proc').filter((pid) => /^[0-9]+$/.test(pid) && commandOf(pid).includes(plane.directory))
  console.log(JSON.stringify({ directory: plane.directory, pids: pids.map(Number) }))
  setInterval(() => {}, 1000)
`

/** Runs the program as the leader of a process group of its own, as a shell does. */
async function startOwner() {
  const owner = spawn(process.execPath, ['--input-type=module-typescript', '-e', PROGRAM], {
    cwd: repository,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string]
  return { owner, ...(JSON.parse(line) as { directory: string; pids: number[] }) }
}

describeCluster('a control plane', () => {
  test('is ready within 5 s, twice at the same time, and nothing of it stays', async () => {
    const started = performance.now()
    const first = await startControlPlane()
    const took = performance.now() - started
    await using second = await startControlPlane()
    expect(second.url).not.toBe(first.url)
    expect(first.version).toMatch(/^v1\.\d+\.\d+/)
    await createNamespace(first, 'of-first')
    expect(await names(second)).not.toContain('of-first')
    await first[Symbol.asyncDispose]()
    expect(existsSync(first.directory)).toBe(false)
    await expect(first.admin.request('/version')).rejects.toThrow()
    expect(await names(second)).toContain('default')
    expect(took, 'milliseconds to the first').toBeLessThan(process.env['CI'] ? 20_000 : 10_000)
  })

  test.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)('ends when its owner ends by %s', async (signal) => {
    const { owner, directory, pids } = await startOwner()
    expect(pids.length).toBeGreaterThanOrEqual(2)
    expect(pids.every(isAlive)).toBe(true)
    // An interrupt from the keyboard reaches every process of the group, whatever guards the others included.
    process.kill(signal === 'SIGINT' ? -(owner.pid as number) : (owner.pid as number), signal)
    await eventually(() => expect(pids.filter(isAlive)).toEqual([]), { withinMs: 10_000 })
    await eventually(() => expect(existsSync(directory)).toBe(false), { withinMs: 10_000 })
  })

  test('knows several identities: by certificate with groups, and service accounts by token', async () => {
    await using plane = await startControlPlane({
      auditPolicy: { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'Metadata' }] },
    })
    const person = await plane.identity('jane', ['shop', 'people'])
    const whoami = await person.kubectl(['auth', 'whoami', '-o', 'json'])
    expect(JSON.parse(whoami.stdout)).toMatchObject({
      status: { userInfo: { username: 'jane', groups: ['shop', 'people', 'system:authenticated'] } },
    })
    const robot = await plane.serviceAccount('default', 'operator')
    expect((await robot.request('/api/v1/secrets')).status).toBe(403)
    expect((await plane.admin.kubectl(['get', 'secrets', '-A'])).code).toBe(0)
    const seen = (await plane.auditEvents()).filter(({ objectRef }) => objectRef?.resource === 'secrets')
    expect(seen).toContainEqual(
      expect.objectContaining({
        user: expect.objectContaining({ username: 'system:serviceaccount:default:operator' }),
      }),
    )
  })

  test('survives a restart of the API server on the same address, and a step back in time', async () => {
    await using plane = await startControlPlane()
    await createNamespace(plane, 'before')
    const snapshot = await plane.snapshot()
    await createNamespace(plane, 'after')
    await plane.restartApiServer({ kill: true })
    expect(await names(plane)).toEqual(expect.arrayContaining(['before', 'after']))
    await plane.stopApiServer()
    await expect(plane.admin.request('/version')).rejects.toThrow()
    await plane.startApiServer()
    await plane.restore(snapshot)
    expect(await names(plane)).toContain('before')
    expect(await names(plane)).not.toContain('after')
  })
})

describeCluster(
  'a control plane with controllers',
  () => {
    test('runs the controllers when they are asked for', async () => {
      await using plane = await startControlPlane({ controllerManager: true, scheduler: true })
      const created = await plane.admin.kubectl(['create', 'deployment', 'web', '--image=none.invalid/none:1'])
      expect(created).toMatchObject({ code: 0 })
      await eventually(
        async () => {
          const { stdout } = await plane.admin.kubectl(['get', 'pods', '-o', 'json'])
          const { items } = JSON.parse(stdout) as { items: { status: { conditions?: object[] } }[] }
          expect(items).toHaveLength(1)
          // There is no node: the scheduler is the one who says so.
          expect(items[0]?.status.conditions).toContainEqual(expect.objectContaining({ reason: 'Unschedulable' }))
        },
        { withinMs: 30_000, everyMs: 200 },
      )
    })
  },
  { controllers: true },
)
