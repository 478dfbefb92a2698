import { expect } from 'vitest'
import { eventually } from './eventually.ts'
import { host, listener, type Part, socketServer } from './manifest.ts'
import { freePort } from './ports.ts'
import { connectRaw, type RawClient, type Target } from './raw-client.ts'
import { connectTls, type TlsClient } from './tls-client.ts'
import { startTlsEngine, type TlsEngine, type TlsEngineOptions } from './tls-engine.ts'

/** A client of either door. */
export type DoorClient = (RawClient | TlsClient) & { readonly isTls: boolean }

/** One of the two listeners of an engine that serves the same host on both. */
export interface Door {
  readonly port: number
  /** Connects, with the handshake where there is one; `before` comes first, for example a PROXY protocol header. */
  connect(more?: { readonly localAddress?: string; readonly before?: string }): Promise<DoorClient>
}

/** An engine with the listeners `tls` and `plain`, and one default host on both. */
export interface TwoDoors extends TlsEngine {
  readonly tls: Door
  readonly plain: Door
  /** Runs with other fields of the spec from here on. */
  changeSpec(spec: Part): Promise<void>
}

/** Starts it with fields of the spec, of the host (Echo by default), and of both listeners. */
export async function startTwoDoors(
  spec: Part = {},
  hostChanges: Part = {},
  listenerChanges: Part = {},
  options: Omit<TlsEngineOptions, 'spec'> = {},
): Promise<TwoDoors> {
  const [tlsPort, plainPort] = [await freePort(), await freePort()]
  const listeners = [
    listener({ port: tlsPort, ...listenerChanges }),
    listener({ name: 'plain', port: plainPort, tls: false, ...listenerChanges }),
  ]
  const hosts = [host({ default: true, ...hostChanges })]
  const engine = await startTlsEngine(hosts, { ...options, spec: { listeners, ...spec } })
  return Object.assign(engine, {
    tls: {
      port: tlsPort,
      connect: async (more = {}) =>
        Object.assign(await connectTls({ port: tlsPort, servername: 'a.test', ...more }), { isTls: true }),
    },
    plain: {
      port: plainPort,
      async connect({ before, ...more } = {}) {
        const client = await connectRaw({ port: plainPort, ...more } as Target)
        if (before !== undefined) await client.send(before)
        return Object.assign(client, { isTls: false })
      },
    },
    async changeSpec(changed) {
      const { configHash } = await engine.status()
      await engine.writeManifest(socketServer({ listeners, icsHosts: hosts, ...changed }))
      await eventually(async () => expect((await engine.status()).configHash).not.toBe(configHash))
    },
  } satisfies Omit<TwoDoors, keyof TlsEngine>)
}

/** Sends a text and resolves with as many bytes of the answer. */
export async function ask(client: DoorClient, text = 'hello'): Promise<string> {
  client.socket.write(text)
  return (await client.bytes(Buffer.byteLength(text))).toString()
}
