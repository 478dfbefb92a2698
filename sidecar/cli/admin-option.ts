import { isIP } from 'node:net'
import type { AdminAddress } from '../control/admin/server.ts'
import { usageError } from './command.ts'

const HINT = 'give an address and a port, for example 127.0.0.1:8900 or [::1]:8900, or none'

/**
 * Reads the value of `--admin`; undefined for `none`.
 *
 * @throws SocketServerError SS_USAGE
 */
export const parseAdmin = (value: string): AdminAddress | undefined => {
  if (value === 'none') return undefined
  const refuse = (why: string) => usageError(`the admin address "${value}" ${why}`, HINT)
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*)):([0-9]{1,5})$/.exec(value) ?? []
  if (digits === undefined) throw refuse('is not of the form ADDRESS:PORT')
  const port = Number(digits)
  if (port > 65_535) throw refuse('has a port above 65535')
  const address = bracketed ?? plain ?? ''
  if (bracketed !== undefined ? isIP(bracketed) !== 6 : address !== 'localhost' && isIP(address) !== 4) {
    throw refuse('does not begin with an IP address')
  }
  return { address, port }
}
