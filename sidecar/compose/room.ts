/** How many clients the open files of the process have room for. */
export interface Room {
  /** Open files the process may have; undefined when it is not known. */
  readonly descriptors: number | undefined
  /** Clients at once; undefined for no limit but that of the manifest. */
  readonly clients: number | undefined
  /** Clients over a limit that are told so at once. */
  readonly lanes: { readonly tls: number; readonly plain: number }
}

/** The runtime's own, the listeners, the admin address, certificates as they are read, and some to spare. */
const RESERVED = 48

/** Clients over a limit that are told so at once, where there is room. */
const LANES = { tls: 32, plain: 256 } as const

/**
 * The room in a process that may have so many open files. It takes fewer clients than it could, so that it never runs
 * out: a server without a descriptor can tell nobody, reach no backend and read no certificate. A client takes two, its
 * own and its backend's.
 */
export function roomOf(descriptors: number | undefined): Room {
  if (descriptors === undefined) return { descriptors, clients: undefined, lanes: LANES }
  const share = Math.max(2, Math.floor(descriptors / 16))
  const lanes = { tls: Math.min(LANES.tls, share), plain: Math.min(LANES.plain, share) }
  const clients = Math.max(1, Math.floor((descriptors - RESERVED - lanes.tls - lanes.plain) / 2))
  return { descriptors, clients, lanes }
}
