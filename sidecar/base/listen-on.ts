import type { ListenOptions, Server } from 'node:net'

const listenOnce = (server: Server, options: ListenOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options, () => {
      server.off('error', reject)
      resolve()
    })
  })

/**
 * Listens from here on. The host "::" means every address, of IPv4 as well unless `ipv6Only` says so; on a machine without
 * IPv6 that is every IPv4 address.
 * @throws the error of the system.
 */
export async function listenOn(server: Server, options: ListenOptions): Promise<void> {
  try {
    await listenOnce(server, options)
  } catch (error) {
    const isEveryAddress = options.host === '::' && options.ipv6Only !== true
    if (!isEveryAddress || (error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT') throw error
    await listenOnce(server, { ...options, host: '0.0.0.0' })
  }
}
