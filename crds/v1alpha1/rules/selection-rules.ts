import { nearest } from '../../nearest.ts'
import { quote } from '../../problem.ts'
import type { CelRule, Rule } from '../../rules.ts'
import { enabledHosts, type HostAt, listenersOf, type Spec } from './spec.ts'

/** The names of some listeners as a map, in CEL: to look one up costs the same however many there are. */
const namesOf = (where: string) => `self.listeners.transformMapEntry(i, l, ${where}, {l.name: true})`

/**
 * The rule that no host is as `breach` says, in CEL, which sees the host as `h` and the names of the listeners that `where` picks as
 * `m`. One pass over the listeners and one over the names in the hosts: the largest resource must stay below the million steps that
 * one expression may take.
 */
const noHost = (where: string, breach: string, told: string, reason: NonNullable<CelRule['reason']>): CelRule => ({
  rule: `[${namesOf(where)}].all(m, !self.icsHosts.exists(h, h.enabled && ${breach}))`,
  says: [
    `the host "%s" ${told}`,
    `[${namesOf(where)}].map(m, self.icsHosts.map(h, h.enabled && ${breach}, h.hostTag)[0])[0]`,
  ],
  fieldPath: '.icsHosts',
  reason,
})

/** Whether the host `h` is served on a listener of `m`. */
const ON_ONE = 'size(m) > 0 && (size(h.listeners) == 0 || h.listeners.exists(n, n in m))'

/** Whether the host `h` is the default of the listener `l`. */
const DEFAULT_THERE = 'h.default && h.enabled && (size(h.listeners) == 0 || l.name in h.listeners)'

/** Rules over which host serves whom on which listener. */
export const SELECTION_RULES: readonly Rule<Spec>[] = [
  {
    id: 'listener-handler-missing',
    severity: 'problem',
    message: 'icsHosts is empty and the listener has no handler, so it could serve nobody',
    cure: 'add hosts to icsHosts, or give the listener a handler',
    cel: {
      rule: 'size(self.icsHosts) > 0 || self.listeners.all(l, has(l.handler))',
      says: [
        'icsHosts is empty and the listener "%s" has no handler, so it could serve nobody',
        'self.listeners.map(l, !has(l.handler), l.name)[0]',
      ],
      fieldPath: '.listeners',
      reason: 'FieldValueRequired',
    },
    check: (spec, report) => {
      if (spec.icsHosts?.length !== 0) return
      for (const { index, listener } of listenersOf(spec))
        if (listener.handler === undefined)
          report({
            path: ['listeners', index, 'handler'],
            restsOn: [['icsHosts']],
            message: `icsHosts is empty and the listener ${quote(listener.name)} has no handler, so it could serve nobody`,
          })
    },
  },
  {
    id: 'listener-unknown',
    severity: 'problem',
    message: 'the host names a listener that does not exist',
    cure: 'name a listener of spec.listeners',
    cel: noHost('true', '!h.listeners.all(n, n in m)', 'names a listener that does not exist', 'FieldValueInvalid'),
    check: (spec, report) => {
      if (spec.listeners === undefined) return
      const names = listenersOf(spec).flatMap(({ listener }) => listener.name ?? [])
      // A listener whose name is unusable may be the one that is meant.
      if (names.length < spec.listeners.length) return
      const known = new Set(names)
      let reports = 0
      for (const { index, host } of enabledHosts(spec))
        for (const [place, name] of (host.listeners ?? []).entries()) {
          if (name === undefined || known.has(name)) continue
          const near = ++reports > 100 ? undefined : nearest(name, names)
          report({
            path: ['icsHosts', index, 'listeners', place],
            message: `there is no listener ${quote(name)}`,
            cure: near === undefined ? `the listeners are ${names.slice(0, 10).join(', ')}` : `did you mean ${near}?`,
          })
        }
    },
  },
  {
    id: 'host-name-twice',
    severity: 'problem',
    message: 'two enabled hosts have the same host name on the same listener',
    cure: 'remove the name from one of them, or let them be served by different listeners',
    cel: null,
    why: 'comparing every two of 512 x 32 names costs more than the budget of an expression',
    check: (spec, report) => {
      // Most names have one claimant, so listeners are looked at only when a name comes up again.
      const claims = new Map<string, { readonly first: HostAt; takenBy: Map<number, HostAt> | undefined }>()
      for (const at of enabledHosts(spec)) {
        const own = new Set<string>()
        for (const [place, written] of (at.host.hostNames ?? []).entries()) {
          if (written === undefined) continue
          const name = written.toLowerCase()
          const path = ['icsHosts', at.index, 'hostNames', place]
          if (own.has(name)) {
            // The same spelling twice is a duplicate of the list, told by the schema.
            if (at.host.hostNames?.indexOf(written) === place)
              report({
                path,
                message: `the host name ${quote(written)} stands twice in the host, in different case`,
                cure: 'remove one of the two',
              })
            continue
          }
          own.add(name)
          const claim = claims.get(name)
          if (claim === undefined) {
            claims.set(name, { first: at, takenBy: undefined })
            continue
          }
          claim.takenBy ??= new Map(claim.first.servedBy.map((listener) => [listener.index, claim.first]))
          const shared = at.servedBy.find((listener) => claim.takenBy?.has(listener.index))
          for (const listener of at.servedBy)
            if (!claim.takenBy.has(listener.index)) claim.takenBy.set(listener.index, at)
          if (shared === undefined) continue
          report({
            path,
            message: `the host name ${quote(written)} belongs to ${hostName(claim.takenBy.get(shared.index))} already on the listener ${quote(shared.listener.name)}`,
          })
        }
      }
    },
  },
  {
    id: 'default-host-twice',
    severity: 'problem',
    message: 'a listener has two default hosts',
    cure: 'let one of them be default, or let them be served by different listeners',
    // Of a good resource each default host has listeners that no other has, so few names are looked at.
    cel: {
      rule: `self.listeners.all(l, size(self.icsHosts.filter(h, ${DEFAULT_THERE})) + (has(l.handler) ? 1 : 0) <= 1)`,
      says: [
        'the listener "%s" has two default hosts',
        `self.listeners.map(l, size(self.icsHosts.filter(h, ${DEFAULT_THERE})) + (has(l.handler) ? 1 : 0) > 1, l.name)[0]`,
      ],
      fieldPath: '.icsHosts',
      reason: 'FieldValueInvalid',
    },
    check: (spec, report) => {
      const taken = new Map<number, string>()
      for (const { index, listener } of listenersOf(spec))
        if (listener.handler !== undefined) taken.set(index, 'the handler of the listener itself')
      for (const at of enabledHosts(spec)) {
        if (at.host.default !== true) continue
        const shared = at.servedBy.find((listener) => taken.has(listener.index))
        if (shared !== undefined)
          report({
            path: ['icsHosts', at.index, 'default'],
            message: `the listener ${quote(shared.listener.name)} has a default host already: ${taken.get(shared.index)}`,
          })
        for (const listener of at.servedBy) if (!taken.has(listener.index)) taken.set(listener.index, hostName(at))
      }
    },
  },
  {
    id: 'plain-host-not-default',
    severity: 'problem',
    message: 'a host on a plain listener that is not default could never be chosen: plain clients send no server name',
    cure: 'set default to true, or name only TLS listeners in listeners',
    cel: noHost(
      '!l.tls',
      `!h.default && ${ON_ONE}`,
      'is on a plain listener and is not default, so it could never be chosen there: plain clients send no server name',
      'FieldValueInvalid',
    ),
    check: (spec, report) => {
      for (const { index, host, servedBy } of enabledHosts(spec)) {
        const plain = servedBy.find(({ listener }) => listener.tls === false)
        if (plain === undefined || host.default !== false) continue
        const implied = host.listeners?.length === 0
        report({
          path: ['icsHosts', index, 'listeners'],
          restsOn: [
            ['icsHosts', index, 'default'],
            ['listeners', plain.index, 'tls'],
          ],
          message: `${hostName({ host, index })} is served on the plain listener ${quote(plain.listener.name)}${implied ? ' (an empty listeners means every listener)' : ''} and is not default, so no client could reach it there`,
        })
      }
    },
  },
  {
    id: 'host-certificate-missing',
    severity: 'problem',
    message: 'the host ends TLS and has no certificate',
    cure: 'add certificate: { secretName: ... }',
    cel: noHost(
      'l.tls',
      `!has(h.certificate) && h.handler.type != 'Passthrough' && ${ON_ONE}`,
      'ends TLS and has no certificate',
      'FieldValueRequired',
    ),
    check: (spec, report) => {
      for (const { index, host, servedBy } of enabledHosts(spec)) {
        if (host.certificate !== undefined || host.handler?.type === undefined || host.handler.type === 'Passthrough')
          continue
        const secure = servedBy.find(({ listener }) => listener.tls === true)
        if (secure !== undefined)
          report({
            path: ['icsHosts', index, 'certificate'],
            restsOn: [['listeners', secure.index, 'tls']],
            message: `${hostName({ host, index })} is served on the TLS listener ${quote(secure.listener.name)} and has no certificate`,
          })
      }
    },
  },
  {
    id: 'passthrough-on-plain',
    severity: 'problem',
    message: 'a Passthrough host is on a plain listener, where there is no TLS to pass through',
    cure: 'name only TLS listeners in listeners, or use the handler Forward',
    cel: noHost(
      '!l.tls',
      `h.handler.type == 'Passthrough' && ${ON_ONE}`,
      'is a Passthrough host on a plain listener, where there is no TLS to pass through',
      'FieldValueInvalid',
    ),
    check: (spec, report) => {
      for (const { index, host, servedBy } of enabledHosts(spec)) {
        if (host.handler?.type !== 'Passthrough') continue
        const plain = servedBy.find(({ listener }) => listener.tls === false)
        if (plain !== undefined)
          report({
            path: ['icsHosts', index, 'handler', 'type'],
            restsOn: [['listeners', plain.index, 'tls']],
            message: `the Passthrough ${hostName({ host, index })} is served on the plain listener ${quote(plain.listener.name)}, where there is no TLS to pass through`,
          })
      }
    },
  },
  {
    id: 'client-certificate-on-plain',
    severity: 'problem',
    message: 'a host that requires client certificates is on a plain listener, where no client can show one',
    cure: 'name only TLS listeners in listeners, or set clientCertificate.method to Optional or None',
    cel: noHost(
      '!l.tls',
      `has(h.clientCertificate) && h.clientCertificate.method == 'Require' && ${ON_ONE}`,
      'requires client certificates and is on a plain listener, where no client can show one',
      'FieldValueInvalid',
    ),
    check: (spec, report) => {
      for (const { index, host, servedBy } of enabledHosts(spec)) {
        if (host.clientCertificate?.method !== 'Require') continue
        const plain = servedBy.find(({ listener }) => listener.tls === false)
        if (plain !== undefined)
          report({
            path: ['icsHosts', index, 'clientCertificate', 'method'],
            restsOn: [['listeners', plain.index, 'tls']],
            message: `${hostName({ host, index })} requires client certificates and is served on the plain listener ${quote(plain.listener.name)}, where no client can show one`,
          })
      }
    },
  },
  {
    id: 'host-tag-of-listener',
    severity: 'problem',
    message: "the hostTag is the name of a listener with a handler, which is the hostTag of that listener's own host",
    cure: 'choose another hostTag, or rename the listener',
    cel: {
      rule: 'self.listeners.all(l, !has(l.handler) || !self.icsHosts.exists(h, h.enabled && h.hostTag == l.name))',
      says: [
        'the hostTag "%s" is the hostTag of the own host of the listener of that name',
        'self.listeners.map(l, has(l.handler) && self.icsHosts.exists(h, h.enabled && h.hostTag == l.name), l.name)[0]',
      ],
      fieldPath: '.icsHosts',
      reason: 'FieldValueInvalid',
    },
    check: (spec, report) => {
      const own = new Set(
        listenersOf(spec).flatMap(({ listener }) => (listener.handler === undefined ? [] : (listener.name ?? []))),
      )
      for (const { index, host } of enabledHosts(spec))
        if (host.hostTag !== undefined && own.has(host.hostTag))
          report({
            path: ['icsHosts', index, 'hostTag'],
            message: `the hostTag ${quote(host.hostTag)} is the hostTag of the own host of the listener of that name`,
          })
    },
  },
]

function hostName(at: Pick<HostAt, 'host' | 'index'> | undefined): string {
  return at?.host.hostTag === undefined ? `host number ${(at?.index ?? 0) + 1}` : `host ${quote(at.host.hostTag)}`
}
