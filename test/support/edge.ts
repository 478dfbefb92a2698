import { type Authority, createAuthority } from './certificates.ts'
import { type EngineOptions, type EngineProcess, startEngine } from './engine-process.ts'
import { host, listener, type Part, socketServer } from './manifest.ts'
import { freePort } from './ports.ts'
import { connectRaw, type RawClient } from './raw-client.ts'
import { connectTls, type TlsClient, type TlsClientOptions } from './tls-client.ts'
import { createWorkspace, type Workspace } from './workspace.ts'

/** How an edge differs from the usual one. */
export interface EdgeOptions {
  /** Hosts as {@link host} takes them; on a plain listener one suffices, it serves everybody. */
  readonly hosts: readonly Part[]
  /** Changes to the one listener; `tls: false` makes it plain. */
  readonly listener?: Part
  /** More of the spec. */
  readonly spec?: Part
  /** Called before the engine starts, to put more material into the workspace. */
  readonly prepare?: ((workspace: Workspace, authority: Authority) => Promise<void>) | undefined
  readonly engine?: Partial<EngineOptions>
}

/** The real command with one listener, and a certificate of one authority for each of its hosts. */
export interface Edge extends AsyncDisposable {
  readonly engine: EngineProcess
  readonly port: number
  readonly workspace: Workspace
  readonly authority: Authority
  /** A client of the first host, unless `servername` says otherwise. */
  connect(options?: Partial<TlsClientOptions>): Promise<TlsClient>
  /** A client without TLS. */
  connectPlain(): Promise<RawClient>
}

const plainHost = (changes: Part): Part => ({
  hostTag: 'a',
  default: true,
  handler: { type: 'Echo' },
  ...changes,
})

/** Starts an edge; each host gets a Secret named after its hostTag unless `prepare` wrote one before. */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { hosts, spec = {}, listener: changes = {}, prepare } = options
  const isTls = changes.tls !== false
  const port = await freePort()
  const authority = createAuthority()
  const workspace = await createWorkspace()
  const parts = hosts.map((part) => (isTls ? host(part) : plainHost(part)))
  if (isTls)
    for (const part of parts) {
      const { secretName } = (part.certificate ?? {}) as { secretName?: string }
      const names = part.hostNames as readonly string[]
      if (secretName === undefined) continue
      const { certPem, keyPem } = authority.issue({ names: names.length > 0 ? names : ['any.test'] })
      await workspace.mountSecret(secretName, { 'tls.crt': certPem, 'tls.key': keyPem })
    }
  await prepare?.(workspace, authority)
  const manifest = socketServer({ listeners: [listener({ port, ...changes })], icsHosts: parts, ...spec })
  const { secrets, configMaps } = workspace
  const engine = await startEngine({ manifest, secrets, configMaps, ...options.engine })
  const servername = ((parts[0]?.hostNames ?? []) as readonly string[])[0]
  return {
    engine,
    port,
    workspace,
    authority,
    connect: (more = {}) => connectTls({ port, ca: authority.rootPem, servername, ...more } as TlsClientOptions),
    connectPlain: () => connectRaw({ port }),
    async [Symbol.asyncDispose]() {
      try {
        await engine[Symbol.asyncDispose]()
      } finally {
        await workspace[Symbol.asyncDispose]()
      }
    },
  }
}
