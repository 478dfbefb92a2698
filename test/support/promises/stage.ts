import assert from 'node:assert/strict'
import { type Backend, echo, record, startBackend } from '../backend.ts'
import { createAuthority } from '../certificates.ts'
import { type EngineOptions, type EngineProcess, startEngine } from '../engine-process.ts'
import { eventually } from '../eventually.ts'
import { forward, host, listener, type Part, socketServer } from '../manifest.ts'
import { freePort } from '../ports.ts'
import { type SwallowingBackend, startSwallowing } from '../swallowing-backend.ts'
import { createWorkspace } from '../workspace.ts'

/**
 * An engine on which promises are tried, in a test or for hours: the hosts `echo.test` (Echo), `relay.test` (a backend
 * that echoes), `open.test` (one that never ends) and `stuck.test` (one that never accepts) on a TLS listener, and
 * `relay` and `open` each on a plain one.
 */
export interface Stage extends AsyncDisposable {
  readonly engine: EngineProcess
  readonly tlsPort: number
  /** Served by `relay`. */
  readonly plainPort: number
  /** Served by `open`. */
  readonly openPort: number
}

/** What an engine holds. */
export interface Footprint {
  readonly clients: number
  /** Timers that keep the process alive; 0 on a runtime that does not tell (Bun). */
  readonly timers: number
  readonly descriptors: number
  readonly backendClients: number
}

/** Starts it with more fields of the spec. */
export async function startStage(spec: Part = {}, options: Partial<EngineOptions> = {}): Promise<Stage> {
  const authority = createAuthority()
  const workspace = await createWorkspace()
  const relay = await startBackend(echo)
  const open = await startBackend(record)
  const stuck = await startSwallowing()
  const handlers: Record<string, Part> = {
    echo: { type: 'Echo' },
    relay: forward([relay.backend]),
    open: forward([open.backend]),
    stuck: forward([stuck.backend]),
  }
  const hosts: Part[] = []
  for (const [hostTag, handler] of Object.entries(handlers)) {
    const { certPem, keyPem } = authority.issue({ names: [`${hostTag}.test`] })
    await workspace.copySecret(hostTag, { 'tls.crt': certPem, 'tls.key': keyPem })
    hosts.push(host({ hostTag, handler, listeners: ['tls'] }))
  }
  const [tlsPort, plainPort, openPort] = [await freePort(), await freePort(), await freePort()]
  const listeners = [
    listener({ port: tlsPort }),
    listener({ name: 'plain', port: plainPort, tls: false, handler: handlers['relay'] }),
    listener({ name: 'plain-open', port: openPort, tls: false, handler: handlers['open'] }),
  ]
  const manifest = socketServer({ maxClients: 0, listeners, icsHosts: hosts, ...spec })
  const engine = await startEngine({ manifest, secrets: workspace.secrets, ...options })
  const props: AsyncDisposable[] = [engine, relay, open, stuck, workspace] satisfies (
    | EngineProcess
    | Backend
    | SwallowingBackend
    | AsyncDisposable
  )[]
  return {
    ...{ engine, tlsPort, plainPort, openPort },
    async [Symbol.asyncDispose]() {
      for (const prop of props) await prop[Symbol.asyncDispose]()
    },
  }
}

/** What the engine holds now. */
export async function footprintOf({ engine }: Stage): Promise<Footprint> {
  const metrics = await engine.metrics()
  return {
    clients: (await engine.status()).clients,
    timers: metrics.sum('socketserver_nodejs_active_resources', { type: 'Timeout' }),
    descriptors: await engine.openDescriptors(),
    backendClients: metrics.sum('socketserver_backend_clients'),
  }
}

/** Waits until the engine holds nothing more than before, and tells what is left when it does not come to that. */
export async function leavesNothing(stage: Stage, before: Footprint, withinMs = 30_000): Promise<void> {
  await eventually(
    async () => {
      const now = await footprintOf(stage)
      const more = (Object.keys(now) as (keyof Footprint)[]).filter((what) => now[what] > before[what])
      assert.deepEqual(more, [], `left behind: ${JSON.stringify(now)}, before: ${JSON.stringify(before)}`)
    },
    { withinMs, everyMs: 200 },
  )
}
