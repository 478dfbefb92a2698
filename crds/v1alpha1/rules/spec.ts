import type * as z from 'zod'
import type { Loose } from '../../rules.ts'
import type { icsHostSchema } from '../ics-host.ts'
import type { listenerSchema } from '../listener.ts'
import type { serviceSchema } from '../service.ts'

/** The part of the specification that rules over listeners and hosts look at. */
export type Spec = {
  listeners: z.infer<typeof listenerSchema>[]
  icsHosts: z.infer<typeof icsHostSchema>[]
  service: z.infer<typeof serviceSchema>
}

/** A listener as a rule sees it, with its place in the list. */
export type ListenerAt = { readonly index: number; readonly listener: Loose<Spec['listeners'][number]> }

/** An enabled host as a rule sees it, with its place in the list and the listeners that serve it. */
export type HostAt = {
  readonly index: number
  readonly host: Loose<Spec['icsHosts'][number]>
  readonly servedBy: readonly ListenerAt[]
}

/** The listeners that can be judged. */
export function listenersOf(spec: Loose<Spec>): ListenerAt[] {
  return (spec.listeners ?? []).flatMap((listener, index) => (listener === undefined ? [] : [{ index, listener }]))
}

const hostsBySpec = new WeakMap<object, readonly HostAt[]>()

/**
 * The enabled hosts that can be judged, each with the existing listeners that serve it: those it names, or every one when it names
 * none. Reckoned once for each specification, since every rule over hosts asks.
 */
export function enabledHosts(spec: Loose<Spec>): readonly HostAt[] {
  const known = hostsBySpec.get(spec)
  if (known !== undefined) return known
  const listeners = listenersOf(spec)
  const byName = new Map(listeners.map((at) => [at.listener.name, at]))
  const hosts = (spec.icsHosts ?? []).flatMap((host, index): HostAt[] => {
    if (host?.enabled !== true || host.listeners === undefined) return []
    const named = new Set(host.listeners)
    const servedBy =
      named.size === 0 ? listeners : [...named].flatMap((name) => (name === undefined ? [] : (byName.get(name) ?? [])))
    return [{ index, host, servedBy }]
  })
  hostsBySpec.set(spec, hosts)
  return hosts
}
