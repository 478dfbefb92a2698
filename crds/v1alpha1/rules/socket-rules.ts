import { addressFamily, canonicalAddress } from '../../addresses.ts'
import { quote } from '../../problem.ts'
import type { CelRule, Loose, Rule } from '../../rules.ts'
import { type ListenerAt, listenersOf, type Spec } from './spec.ts'

/** The addresses a socket takes in each family; `*` is every one, undefined none. */
type Coverage = { readonly IPv4: string | undefined; readonly IPv6: string | undefined }

type Clash = 'same' | 'overlap' | 'none'

const ADDRESS = { a: 'ip(a.address)', b: 'ip(b.address)' } as const

const isWildcard = (l: 'a' | 'b') => `${ADDRESS[l]}.isUnspecified()`

/** Whether a listener takes addresses of a family, in CEL: "::" takes both, unless its family is the other one. */
const takes = {
  4: (l: 'a' | 'b') => `(${ADDRESS[l]}.family() == 4 || ${isWildcard(l)} && ${l}.socketFamily != 'IPv6')`,
  6: (l: 'a' | 'b') => `(${ADDRESS[l]}.family() == 6 && (!${isWildcard(l)} || ${l}.socketFamily != 'IPv4'))`,
}

/** What two listeners on one port must be before families matter: most pairs end here, so that 64 x 64 can be afforded. */
const NEAR = `(${ADDRESS.a} == ${ADDRESS.b} || ${isWildcard('a')} || ${isWildcard('b')})`

const CLASH = `(${takes[4]('a')} && ${takes[4]('b')} || ${takes[6]('a')} && ${takes[6]('b')})`

const SAME =
  `(${takes[4]('a')} == ${takes[4]('b')} && ${takes[6]('a')} == ${takes[6]('b')} && ` +
  `(${ADDRESS.a} == ${ADDRESS.b} || ${isWildcard('a')} && ${isWildcard('b')}))`

/** The rule that no two listeners are so to each other, in CEL; what is no address is the matter of another rule. */
const noTwo = (breach: string, told: string): CelRule => {
  // Names are unique, and each pair is looked at once.
  const pair = `a.name < b.name && a.port == b.port && isIP(a.address) && isIP(b.address) && ${NEAR} && ${breach}`
  return {
    rule: `!self.listeners.exists(a, self.listeners.exists(b, ${pair}))`,
    says: [
      `the listener "%s" and another take the same port, ${told}`,
      `self.listeners.map(a, self.listeners.exists(b, ${pair}), a.name)[0]`,
    ],
    fieldPath: '.listeners',
    reason: 'FieldValueInvalid',
  }
}

const check =
  (id: string) =>
  (spec: Loose<Spec>, report: Parameters<Rule<Spec>['check']>[1]): void => {
    for (const [earlier, later, clash] of clashes(spec)) {
      const tlsKnown = earlier.listener.tls !== undefined && later.listener.tls !== undefined
      const mixed = tlsKnown && earlier.listener.tls !== later.listener.tls
      if (id !== (mixed ? 'socket-plain-and-tls' : clash === 'same' ? 'socket-twice' : 'socket-overlap')) continue
      const [one, other] = [nameOf(earlier), nameOf(later)]
      const both = `the listeners ${one} and ${other} both take port "${later.listener.port}"`
      report({
        path: ['listeners', later.index, 'port'],
        restsOn: [
          ['listeners', later.index, 'tls'],
          ['listeners', earlier.index, 'tls'],
          ['listeners', later.index, 'address'],
          ['listeners', later.index, 'socketFamily'],
        ],
        message: mixed
          ? `${both}, one plain and one with TLS`
          : clash === 'same'
            ? `${both} of the same address ${quote(later.listener.address)}`
            : `${both}, and the addresses ${quote(earlier.listener.address)} and ${quote(later.listener.address)} overlap`,
      })
    }
  }

/** Rules over the sockets of listeners. */
export const SOCKET_RULES: readonly Rule<Spec>[] = [
  {
    id: 'socket-twice',
    severity: 'problem',
    message: 'two listeners have the same address and port',
    cure: 'give one of them another port or address, or remove it: one listener serves many hosts',
    cel: noTwo(`a.tls == b.tls && ${SAME}`, 'of the same address'),
    check: check('socket-twice'),
  },
  {
    id: 'socket-overlap',
    severity: 'problem',
    message: 'two listeners have the same port on addresses that overlap',
    cure: 'give one of them another port, or write two single addresses: "::" covers every address, "0.0.0.0" every IPv4 address',
    cel: noTwo(`a.tls == b.tls && !${SAME} && ${CLASH}`, 'of addresses that overlap'),
    check: check('socket-overlap'),
  },
  {
    id: 'socket-plain-and-tls',
    severity: 'problem',
    message: 'a plain listener and a TLS listener have the same address and port',
    cure: 'give one of them another port: plain text and TLS cannot share a socket',
    cel: noTwo(`a.tls != b.tls && ${CLASH}`, 'one plain and one with TLS'),
    check: check('socket-plain-and-tls'),
  },
]

function* clashes(spec: Loose<Spec>): Generator<readonly [ListenerAt, ListenerAt, Clash]> {
  const byPort = new Map<number, { readonly at: ListenerAt; readonly coverage: Coverage }[]>()
  for (const at of listenersOf(spec)) {
    const { port } = at.listener
    const coverage = coverageOf(at)
    if (port === undefined || coverage === undefined) continue
    const others = byPort.get(port) ?? []
    for (const other of others) {
      const clash = clashOf(other.coverage, coverage)
      if (clash === 'none') continue
      yield [other.at, at, clash]
      // One breach for each listener says enough.
      break
    }
    byPort.set(port, [...others, { at, coverage }])
  }
}

function coverageOf({ listener: { address, socketFamily } }: ListenerAt): Coverage | undefined {
  const family = address === undefined ? undefined : addressFamily(address)
  if (address === undefined || family === undefined || socketFamily === undefined) return undefined
  const canonical = canonicalAddress(address)
  if (canonical === '::')
    return { IPv4: socketFamily === 'IPv6' ? undefined : '*', IPv6: socketFamily === 'IPv4' ? undefined : '*' }
  if (family === 'IPv6') return { IPv4: undefined, IPv6: canonical }
  return { IPv4: canonical === '0.0.0.0' ? '*' : canonical, IPv6: undefined }
}

function clashOf(a: Coverage, b: Coverage): Clash {
  if (a.IPv4 === b.IPv4 && a.IPv6 === b.IPv6) return 'same'
  const meets = (family: keyof Coverage) =>
    a[family] !== undefined &&
    b[family] !== undefined &&
    (a[family] === '*' || b[family] === '*' || a[family] === b[family])
  return meets('IPv4') || meets('IPv6') ? 'overlap' : 'none'
}

function nameOf({ index, listener }: ListenerAt): string {
  return listener.name === undefined ? `number ${index + 1}` : quote(listener.name)
}
