import type { EngineConfiguration } from './configuration.ts'
import type { Listener } from './listener.ts'
import { ListeningSocket, overlaps, type SocketAddress, socketKey, whyNot } from './listening-socket.ts'

/** Listeners that could not listen, each with why. */
export class ListenError extends Error {
  constructor(failures: readonly { readonly name: string; readonly error: string }[]) {
    super(failures.map(({ name, error }) => `listener "${name}": ${error}`).join('; '))
    this.name = 'ListenError'
  }
}

/** A socket, or the error of the system for which there is none. */
export type Found = ListeningSocket | NodeJS.ErrnoException

/** The sockets a configuration needs, opened before anything changes. */
export interface Reservation {
  /** By `socketKey`: those opened for it, and the failures. Sockets in service are not among them. */
  readonly found: ReadonlyMap<string, Found>
  /** Closes what was opened, and opens again what had to be closed for it. */
  cancel(): Promise<void>
}

/**
 * Opens the sockets that `wanted` needs beyond those of `listeners`. A socket in service is closed for it only when the
 * system cannot have both, as with one port on one address and on all of them.
 * @param isShared Whether other processes listen on the same sockets.
 * @throws {ListenError} Under `AllOrNothing` when one cannot be had; everything is then as it was.
 */
export async function reserve(
  wanted: Pick<EngineConfiguration, 'bindPolicy' | 'listeners'>,
  listeners: Iterable<Listener>,
  isShared: boolean,
): Promise<Reservation> {
  const keys = new Set(wanted.listeners.map(socketKey))
  const standing = new Set<string>()
  const leaving: (readonly [Listener, SocketAddress])[] = []
  for (const listener of listeners) {
    const address = listener.socket?.address
    if (!address) continue
    standing.add(socketKey(address))
    if (!keys.has(socketKey(address))) leaving.push([listener, address])
  }
  const missing = wanted.listeners.filter((one) => !standing.has(socketKey(one)))
  const isInTheWay = (address: SocketAddress) => missing.some((one) => overlaps(one, address))
  const isBlocked = (one: SocketAddress) => leaving.some(([, address]) => overlaps(one, address))

  const found = new Map<string, Found>()
  const closed: Listener[] = []
  const cancel = async () => {
    for (const socket of found.values()) if (socket instanceof ListeningSocket) await socket.close()
    for (const listener of closed) listener.openLater(0)
  }
  const open = async (addresses: typeof missing) => {
    const results = await Promise.all(
      addresses.map((one) => ListeningSocket.open(one, isShared).catch((error: NodeJS.ErrnoException) => error)),
    )
    for (const [at, one] of addresses.entries()) found.set(socketKey(one), results[at] as Found)
    const failures = addresses.flatMap((one) => {
      const result = found.get(socketKey(one))
      return result instanceof Error ? [{ name: one.name, error: whyNot(result, one) }] : []
    })
    if (failures.length === 0 || wanted.bindPolicy === 'BestEffort') return
    await cancel()
    throw new ListenError(failures)
  }
  await open(missing.filter((one) => !isBlocked(one)))
  for (const [listener, address] of leaving)
    if (isInTheWay(address)) {
      closed.push(listener)
      await listener.close()
    }
  await open(missing.filter(isBlocked))
  return { found, cancel }
}
