import { type Authority, createAuthority, type TestKeyType } from './certificates.ts'
import type { LogLine } from './engine-output.ts'
import { type EngineOptions, type EngineProcess, startEngine } from './engine-process.ts'
import { listener, type Part, socketServer } from './manifest.ts'
import { freePort } from './ports.ts'
import type { Origin } from './raw-client.ts'
import { refusalOf, type TlsClientOptions } from './tls-client.ts'
import { createWorkspace, type Files } from './workspace.ts'

/** How to start an engine whose hosts end TLS. */
export interface TlsEngineOptions extends Omit<EngineOptions, 'manifest' | 'secrets' | 'configMaps'> {
  /** Fields of the spec beside one listener `tls` and the hosts. */
  readonly spec?: Part
  /** Listeners beside `tls`. */
  readonly moreListeners?: readonly Part[]
  /** Key type by Secret; default `EC P-256`. */
  readonly keyTypes?: Readonly<Record<string, TestKeyType>>
  /** Names of every certificate; default: those of the host that names the Secret. */
  readonly names?: readonly string[]
  /** Default: a fresh one. */
  readonly authority?: Authority
  /** More files of Secrets, by name of the Secret. */
  readonly secretFiles?: Readonly<Record<string, Files>>
  /** ConfigMaps by name. */
  readonly configMaps?: Readonly<Record<string, Files>>
}

/** A running engine with one TLS listener. */
export interface TlsEngine extends EngineProcess {
  readonly port: number
  /** The CA of every server certificate. */
  readonly authority: Authority
  /** The line the log has of a client's end. */
  closeLine(origin: Origin): Promise<LogLine>
  /** By which error the engine refuses this client (see `refusalOf`), and the line the log has of it. */
  refusal(options: Partial<TlsClientOptions>): Promise<{ readonly code: string; readonly line: LogLine }>
  /** Closed connections by reason, and host where one is given. */
  closed(reason: string, host?: string): Promise<number>
  /** Replaces a ConfigMap as the kubelet does not: file by file. */
  writeConfigMap(name: string, files: Files): Promise<void>
}

interface NamedParts {
  readonly hostNames?: readonly string[]
  readonly certificate?: { readonly secretName: string; readonly additionalSecretNames?: readonly string[] }
}

/** Starts an engine that serves `hosts` on one TLS listener, with a good certificate for each Secret they name. */
export async function startTlsEngine(hosts: readonly Part[], options: TlsEngineOptions = {}): Promise<TlsEngine> {
  const { spec = {}, keyTypes = {}, authority = createAuthority(), ...more } = options
  const { configMaps = {}, secretFiles = {}, moreListeners = [], names: givenNames, ...engineOptions } = more
  const workspace = await createWorkspace()
  for (const { hostNames = [], certificate } of hosts as readonly NamedParts[])
    for (const name of certificate ? [certificate.secretName, ...(certificate.additionalSecretNames ?? [])] : []) {
      const names = givenNames ?? (hostNames.length > 0 ? hostNames : [`${name}.test`])
      const { certPem, keyPem } = authority.issue({ names, keyType: keyTypes[name] ?? 'EC P-256' })
      await workspace.copySecret(name, { 'tls.crt': certPem, 'tls.key': keyPem })
    }
  for (const [name, files] of Object.entries(secretFiles)) await workspace.copySecret(name, files)
  for (const [name, files] of Object.entries(configMaps)) await workspace.copyConfigMap(name, files)
  const port = await freePort()
  const manifest = socketServer({ listeners: [listener({ port }), ...moreListeners], icsHosts: hosts, ...spec })
  const { secrets, configMaps: configMapsDir } = workspace
  try {
    const engine = await startEngine({ ...engineOptions, manifest, secrets, configMaps: configMapsDir })
    const closeLine = ({ port: from, at }: Origin) =>
      engine.waitForLog(
        (line) =>
          line.message === 'client closed' &&
          line['peer'] === `127.0.0.1:${from}` &&
          Date.parse(String(line['time'])) >= at,
        10_000,
      )
    return {
      ...engine,
      port,
      closeLine,
      async refusal(options) {
        let origin: Origin = { port: 0, at: 0 }
        const opened = (one: Origin) => {
          origin = one
        }
        const code = await refusalOf({ port, ...options, opened } as TlsClientOptions)
        return { code, line: await closeLine(origin) }
      },
      authority,
      writeConfigMap: workspace.copyConfigMap,
      async closed(reason, host) {
        const labels = { reason, ...(host === undefined ? {} : { host }) }
        return (await engine.metrics()).sum('socketserver_connections_closed_total', labels)
      },
      async [Symbol.asyncDispose]() {
        await workspace[Symbol.asyncDispose]()
        await engine[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await workspace[Symbol.asyncDispose]()
    throw error
  }
}
