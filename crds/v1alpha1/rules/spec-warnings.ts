import { quote } from '../../problem.ts'
import type { Loose, Rule } from '../../rules.ts'
import { enabledHosts, type ListenerAt, listenersOf, type Spec } from './spec.ts'

const WARNING = 'a warning refuses nothing'

type Redirect = NonNullable<Spec['icsHosts'][number]['handler']['redirect']>

/** What is served all the same, and is probably not meant. */
export const SPEC_WARNINGS: readonly Rule<Spec>[] = [
  {
    id: 'listener-without-host',
    severity: 'warning',
    message: 'no enabled host uses the listener, so it refuses every client',
    cure: 'name it in listeners of a host, give it a handler, or remove it',
    cel: null,
    why: WARNING,
    check: (spec, report) => {
      const hosts = enabledHosts(spec)
      // What cannot be judged may use any listener; without hosts another message says all.
      if (
        hosts.length === 0 ||
        (spec.icsHosts ?? []).some((host) => host?.enabled === undefined || host.listeners === undefined)
      )
        return
      const used = new Set(hosts.flatMap(({ servedBy }) => servedBy.map(({ index }) => index)))
      for (const { index, listener } of listenersOf(spec))
        if (!used.has(index) && listener.handler === undefined)
          report({
            path: ['listeners', index],
            restsOn: [['listeners', index, 'handler']],
            message: `no enabled host uses the listener ${quote(listener.name)}, so it refuses every client`,
          })
    },
  },
  {
    id: 'nothing-enabled',
    severity: 'warning',
    message: 'every host of icsHosts is disabled and no listener has a handler, so nobody is served',
    cure: 'set enabled to true on at least one host',
    cel: null,
    why: WARNING,
    check: (spec, report) => {
      if (spec.icsHosts === undefined || spec.icsHosts.length === 0) return
      if (!spec.icsHosts.every((host) => host?.enabled === false)) return
      if (listenersOf(spec).every(({ listener }) => listener.handler === undefined)) report({ path: ['icsHosts'] })
    },
  },
  {
    id: 'redirect-to-itself',
    severity: 'warning',
    message: 'the redirect changes nothing, so clients are sent in a circle',
    cure: 'set scheme, hostname, port or path to another value than the request has',
    cel: null,
    why: WARNING,
    check: (spec, report) => {
      for (const { index, host, servedBy } of enabledHosts(spec))
        if (host.handler?.type === 'Redirect' && changesNothing(host.handler.redirect, servedBy))
          report({ path: ['icsHosts', index, 'handler'], restsOn: [['icsHosts', index, 'handler', 'redirect']] })
      for (const at of listenersOf(spec))
        if (at.listener.handler?.type === 'Redirect' && changesNothing(at.listener.handler.redirect, [at]))
          report({
            path: ['listeners', at.index, 'handler'],
            restsOn: [['listeners', at.index, 'handler', 'redirect']],
          })
    },
  },
]

/** Whether the target is the request's own URL on at least one of the listeners. */
function changesNothing(redirect: Loose<Redirect> | undefined, servedBy: readonly ListenerAt[]): boolean {
  const { scheme, hostname, port, path } = redirect ?? {}
  if (hostname !== undefined || path !== undefined) return false
  return servedBy.some(({ listener }) => {
    if (listener.tls === undefined) return false
    const own = listener.tls ? 'https' : 'http'
    if (scheme !== undefined && scheme !== own) return false
    // With a scheme and no port the target is the scheme's own port.
    const target = port ?? (scheme === undefined ? listener.port : scheme === 'https' ? 443 : 80)
    return target === listener.port
  })
}
