import { spawn } from 'node:child_process'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { runProgram } from '../support/control-plane/run-program.ts'
import { eventually } from '../support/eventually.ts'
import { startNode } from '../support/node/node.ts'
import { PAUSE_IMAGE } from '../support/node/pause-image.ts'
import { repository } from '../support/runtime.ts'

const run = async (...command: [string, ...string[]]) =>
  (await runProgram(command, { env: { PATH: process.env['PATH'] ?? '' } })).stdout

const PODS = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'idle' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'idle' } },
    template: {
      metadata: { labels: { app: 'idle' } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [{ name: 'idle', image: PAUSE_IMAGE, imagePullPolicy: 'Never' }],
      },
    },
  },
} as const

interface Pods {
  readonly items: readonly {
    readonly metadata: { readonly name: string }
    readonly status: {
      readonly podIPs?: readonly { readonly ip: string }[]
      readonly conditions?: readonly { type: string; status: string }[]
    }
  }[]
}

const isForeign = process.env['KUBECONFIG'] !== undefined && process.env['KUBECONFIG'] !== ''
const NO_NODE = 'no node is made where KUBECONFIG names a cluster'

test('a node runs pods, answers by name and by the address of a Service, and leaves nothing behind', async ({
  skip,
}) => {
  if (isForeign) return skip(NO_NODE)
  const node = await startNode()
  const { plane, networks, directory, controlGroups } = node
  try {
    const { admin } = plane
    const path = '/apis/apps/v1/namespaces/default/deployments'
    expect((await admin.request(path, { body: PODS })).status).toBe(201)
    const addresses = await eventually(
      async () => {
        const { body } = await admin.request('/api/v1/namespaces/default/pods?labelSelector=app%3Didle')
        const ready = (body as Pods).items.filter(({ status }) =>
          status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
        )
        expect(ready, JSON.stringify(body)).toHaveLength(2)
        return ready.flatMap(({ status }) => (status.podIPs ?? []).map(({ ip }) => ip))
      },
      { withinMs: 120_000, everyMs: 200 },
    )
    expect(new Set(addresses).size).toBe(networks.ipv6 === undefined ? 2 : 4)
    // Nothing listens in these pods; that they say so shows that packets come and go.
    for (const host of addresses) {
      const socket = connect({ host, port: 1 })
      const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
      expect(error.code).toBe('ECONNREFUSED')
    }
    const resolver = new Resolver()
    resolver.setServers([networks.node])
    await eventually(
      async () =>
        expect(await resolver.resolve4('kubernetes.default.svc.cluster.local')).toEqual([networks.kubernetes]),
      { withinMs: 30_000, everyMs: 200 },
    )
    await eventually(
      async () => {
        const socket = connect({ host: networks.kubernetes, port: 443, timeout: 5_000 })
        await once(socket, 'connect')
        socket.destroy()
      },
      { withinMs: 30_000, everyMs: 200 },
    )
  } finally {
    await node[Symbol.asyncDispose]()
  }
  for (const path of [directory, ...controlGroups]) expect(existsSync(path), path).toBe(false)
  for (const network of [networks.pods, networks.services, networks.outer, networks.device])
    expect((await run('ip', 'route')) + (await run('ip', 'link'))).not.toContain(network)
  expect(await run('ps', 'ax', '-o', 'args')).not.toContain(directory)
})

/** A program that starts a node, tells what is to go with it, and waits. */
const PROGRAM = `
  import { startNode } from './test/support/node/node.ts'
  const node = await startNode()
  console.log(JSON.stringify({ directory: node.directory, ...node.networks }))
  setInterval(() => {}, 1000)
`

test('a node ends when its owner is killed', async ({ skip }) => {
  if (isForeign) return skip(NO_NODE)
  const args = ['--input-type=module-typescript', '-e', PROGRAM]
  const owner = spawn(process.execPath, args, { cwd: repository, stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string]
  const { directory, device, pods } = JSON.parse(line) as { directory: string; device: string; pods: string }
  expect(await run('ip', 'route')).toContain(pods)
  expect(await run('ps', 'ax', '-o', 'args')).toContain(directory)
  owner.kill('SIGKILL')
  await eventually(
    async () => {
      expect(await run('ps', 'ax', '-o', 'args')).not.toContain(directory)
      expect(existsSync(directory), directory).toBe(false)
      expect((await run('ip', 'route')) + (await run('ip', 'link'))).not.toContain(device)
    },
    { withinMs: 60_000, everyMs: 200 },
  )
})
