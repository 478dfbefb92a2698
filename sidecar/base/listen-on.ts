import type { Server } from 'node:net'

/** An address of this machine, or "::" for all. */
export interface ListenAddress {
  readonly address: string
  readonly port: number
}

const listenOnce = (server: Server, address: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, () => {
      server.off('error', reject)
      resolve()
    })
  })

/**
 * Listens on an address. "::" means every address, of IPv4 as well; on a machine without IPv6 that is every IPv4 address.
 * @throws the error of the system.
 */
export async function listenOn(server: Server, { address, port }: ListenAddress): Promise<void> {
  try {
    await listenOnce(server, address, port)
  } catch (error) {
    if (address !== '::' || (error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT') throw error
    await listenOnce(server, '0.0.0.0', port)
  }
}
