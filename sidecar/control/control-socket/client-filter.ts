import { BlockList, isIP } from 'node:net'
import { nearest } from '../../../crds/nearest.ts'
import type { ClientState } from '../../engine/ports.ts'
import { ControlError } from './control-target.ts'

/** Which clients are meant: those that fit every field that is given. */
export interface ClientFilter {
  readonly listener?: string
  readonly host?: string
  /** An address (`192.0.2.1`), a network (`192.0.2.0/24`), or address and port (`192.0.2.1:4711`, `[::1]:4711`). */
  readonly peer?: string
}

/** The names a filter may give beside those of the clients themselves. */
export interface KnownNames {
  readonly listeners: readonly string[]
  readonly hosts: readonly string[]
}

type Fits = (client: ClientState) => boolean

/**
 * The clients that fit.
 *
 * @throws ControlError for a name that neither the configuration nor any client has, or a peer that is none
 */
export function filterClients(
  clients: readonly ClientState[],
  filter: ClientFilter,
  known: KnownNames,
): readonly ClientState[] {
  const { listener, host, peer } = filter
  const tests: Fits[] = []
  if (listener !== undefined) {
    requireName('listener', listener, [...known.listeners, ...clients.map((client) => client.listener)])
    tests.push((client) => client.listener === listener)
  }
  if (host !== undefined) {
    requireName('host', host, [...known.hosts, ...clients.map((client) => client.hostTag)])
    tests.push((client) => client.hostTag === host)
  }
  if (peer !== undefined) tests.push(peerTest(peer))
  return clients.filter((client) => tests.every((fits) => fits(client)))
}

function requireName(what: string, name: string, candidates: readonly string[]): void {
  if (candidates.includes(name)) return
  const names = [...new Set(candidates)].filter((one) => one !== '')
  const near = nearest(name, names)
  const list = names.length === 0 ? `there is no ${what}` : `there are ${names.slice(0, 20).join(', ')}`
  throw new ControlError(
    400,
    `there is no ${what} "${name}"`,
    near === undefined ? list : `did you mean "${near}"? ${list}`,
  )
}

function peerTest(text: string): Fits {
  const refuse = () =>
    new ControlError(
      400,
      `the peer "${text}" is no address`,
      'give an address (192.0.2.1), a network (192.0.2.0/24), or address and port (192.0.2.1:4711, [::1]:4711)',
    )
  const family = isIP(text)
  if (family !== 0) return network(text, family, family === 4 ? 32 : 128)

  const [, base = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? []
  if (base !== '') {
    const ofBase = isIP(base)
    if (ofBase === 0 || Number(bits) > (ofBase === 4 ? 32 : 128)) throw refuse()
    return network(base, ofBase, Number(bits))
  }
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  const address = bracketed ?? plain ?? ''
  const ofAddress = isIP(address)
  if (ofAddress !== (bracketed === undefined ? 4 : 6)) throw refuse()
  const isPeer = network(address, ofAddress, ofAddress === 4 ? 32 : 128)
  return (client) => client.peerPort === Number(digits) && isPeer(client)
}

function network(base: string, family: number, bits: number): Fits {
  const list = new BlockList()
  const type = family === 4 ? 'ipv4' : 'ipv6'
  list.addSubnet(base, bits, type)
  return ({ peerAddress }) => isIP(peerAddress) === family && list.check(peerAddress, type)
}
