import { quote } from '../../problem.ts'
import type { Loose, Rule } from '../../rules.ts'
import { listenersOf, type Spec } from './spec.ts'

type Port = NonNullable<Loose<NonNullable<Spec['service']>['ports'][number]>>

/** Rules over the ports of the Service and the listeners behind them. */
export const SERVICE_PORT_RULES: readonly Rule<Spec>[] = [
  {
    id: 'service-port-listener',
    severity: 'problem',
    message: 'a port of the Service names a listener that does not exist',
    cure: 'name a listener of spec.listeners',
    cel: {
      rule: 'self.service.ports.all(p, self.listeners.exists(l, l.name == p.listener))',
      fieldPath: '.service.ports',
      reason: 'FieldValueInvalid',
    },
    check: (spec, report) => {
      const listeners = listenersOf(spec)
      // An entry that cannot be judged may be the one that is named.
      if (listeners.some(({ listener }) => listener.name === undefined)) return
      const names = new Set(listeners.map(({ listener }) => listener.name))
      for (const [index, port] of (spec.service?.ports ?? []).entries())
        if (port?.listener !== undefined && !names.has(port.listener))
          report({
            path: ['service', 'ports', index, 'listener'],
            restsOn: [['listeners']],
            message: `there is no listener ${quote(port.listener)}`,
          })
    },
  },
  {
    id: 'service-port-twice',
    severity: 'problem',
    message: 'two listeners have the same port in the Service',
    cure: 'give one of them another port in service.ports',
    cel: null,
    why: 'three lists within each other cost more than the API server grants a rule',
    check: (spec, report) => {
      const ports = spec.service?.ports ?? []
      const declared = new Map<string, Port>()
      for (const port of ports) if (port?.listener !== undefined) declared.set(port.listener, port)
      const taken = new Map<number, string>()
      // Listeners with their own port on several addresses share one port of the Service; what was moved there does not.
      for (const { listener } of listenersOf(spec))
        if (
          listener.name !== undefined &&
          declared.get(listener.name)?.port === undefined &&
          listener.port !== undefined
        )
          taken.set(listener.port, listener.name)
      for (const [index, port] of ports.entries()) {
        if (port?.port === undefined || port.listener === undefined) continue
        const other = taken.get(port.port)
        if (other !== undefined && other !== port.listener)
          report({
            path: ['service', 'ports', index, 'port'],
            restsOn: [['listeners']],
            message: `port ${quote(port.port)} of the Service is that of the listener ${quote(other)} already`,
          })
        else taken.set(port.port, port.listener)
      }
    },
  },
]
