import type * as z from 'zod'
import { quote } from '../../problem.ts'
import type { Rule } from '../../rules.ts'
import type { serviceSchema } from '../service.ts'

type Service = z.infer<typeof serviceSchema>

/** Rules of the Service alone. */
export const SERVICE_RULES: readonly Rule<Service>[] = [
  {
    id: 'service-load-balancer-class',
    severity: 'problem',
    message: 'loadBalancerClass is set and the type is not LoadBalancer',
    cure: 'set type to LoadBalancer, or remove loadBalancerClass',
    cel: {
      rule: "!has(self.loadBalancerClass) || self.type == 'LoadBalancer'",
      fieldPath: '.loadBalancerClass',
      reason: 'FieldValueForbidden',
    },
    check: ({ loadBalancerClass, type }, report) => {
      if (loadBalancerClass !== undefined && type !== undefined && type !== 'LoadBalancer')
        report({
          path: ['loadBalancerClass'],
          restsOn: [['type']],
          message: `loadBalancerClass is set and type is ${quote(type)}`,
        })
    },
  },
  {
    id: 'service-external-traffic-policy',
    severity: 'problem',
    message: 'externalTrafficPolicy is set and no client comes from outside to a Service of type ClusterIP',
    cure: 'set type to LoadBalancer or NodePort, or remove externalTrafficPolicy',
    cel: {
      rule: "!has(self.externalTrafficPolicy) || self.type != 'ClusterIP'",
      fieldPath: '.externalTrafficPolicy',
      reason: 'FieldValueForbidden',
    },
    check: ({ externalTrafficPolicy, type }, report) => {
      if (externalTrafficPolicy !== undefined && type === 'ClusterIP')
        report({
          path: ['externalTrafficPolicy'],
          restsOn: [['type']],
          message: 'externalTrafficPolicy is set and type is "ClusterIP"',
        })
    },
  },
  {
    id: 'service-node-port',
    severity: 'problem',
    message: 'nodePort is set and a Service of type ClusterIP has none',
    cure: 'set type to NodePort or LoadBalancer, or remove nodePort',
    cel: {
      rule: "self.type != 'ClusterIP' || self.ports.all(p, !has(p.nodePort))",
      fieldPath: '.ports',
      reason: 'FieldValueForbidden',
    },
    check: ({ ports, type }, report) => {
      if (type !== 'ClusterIP') return
      for (const [index, port] of (ports ?? []).entries())
        if (port?.nodePort !== undefined)
          report({
            path: ['ports', index, 'nodePort'],
            restsOn: [['type']],
            message: `nodePort is ${quote(port.nodePort)} and type is "ClusterIP"`,
          })
    },
  },
]
