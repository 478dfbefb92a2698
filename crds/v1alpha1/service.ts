import * as z from 'zod'
import { DNS_LABEL } from '../patterns.ts'
import { asMapBy, attachRules, boundedMap } from '../rules.ts'
import { type DeepReadonly, portNumber } from '../units.ts'
import { SERVICE_RULES } from './rules/service-rules.ts'

/** How clients reach the pods. */
export const SERVICE_TYPES = ['ClusterIP', 'NodePort', 'LoadBalancer'] as const

/** Whether a node sends clients to pods of other nodes. */
export const EXTERNAL_TRAFFIC_POLICIES = ['Cluster', 'Local'] as const

/** Of which families the addresses of a Service are. */
const IP_FAMILY_POLICIES = ['SingleStack', 'PreferDualStack', 'RequireDualStack'] as const

const servicePortSchema = z
  .strictObject({
    listener: z
      .string()
      .min(1)
      .max(63)
      .regex(DNS_LABEL.pattern)
      .describe('Name of the listener that the clients of this port are given to.'),
    port: portNumber().optional().describe('Port of the Service, 1 to 65535. Absent: the port of the listener.'),
    nodePort: portNumber()
      .optional()
      .describe(
        'Port on every node, within the range of the cluster; for the types NodePort and LoadBalancer. Absent: the cluster chooses one.',
      ),
  })
  .describe('How one listener appears in the Service.')

export const serviceSchema = z
  .strictObject({
    type: z
      .enum(SERVICE_TYPES)
      .default('ClusterIP')
      .describe(
        'How clients reach the pods. ClusterIP: from within the cluster. NodePort: on a port of every node. ' +
          'LoadBalancer: through a load balancer of the cloud. Absent: ClusterIP.',
      ),
    annotations: boundedMap(64, 4096)
      .default({})
      .describe('Annotations of the Service, at most 64, as load balancers read them. Absent: none.'),
    loadBalancerClass: z
      .string()
      .min(1)
      .max(253)
      .optional()
      .describe(
        'Which implementation of load balancers serves the Service; for the type LoadBalancer. It cannot be changed later. Absent: the default one.',
      ),
    externalTrafficPolicy: z
      .enum(EXTERNAL_TRAFFIC_POLICIES)
      .optional()
      .describe(
        'For the types NodePort and LoadBalancer. Cluster: every node takes clients, and pods see addresses of nodes. ' +
          'Local: nodes with a pod take clients, and pods see the addresses of clients. Absent: Cluster.',
      ),
    ipFamilyPolicy: z
      .enum(IP_FAMILY_POLICIES)
      .optional()
      .describe(
        'Whether the Service has addresses of IPv4 and of IPv6. SingleStack: of the first family of the cluster. ' +
          'PreferDualStack: of both, where the cluster has both. RequireDualStack: of both, else there is no Service. Absent: left to the cluster, which takes SingleStack for a new Service.',
      ),
    ports: asMapBy(z.array(servicePortSchema).max(64), 'listener')
      .default([])
      .describe('Listeners whose port in the Service is another than their own, at most 64. Empty: none.'),
  })
  .describe('The Service in front of the pods; means nothing outside a cluster. Absent: every member at its default.')

attachRules(serviceSchema, SERVICE_RULES)

/** The Service in front of the pods. */
export type ServiceSpec = DeepReadonly<z.infer<typeof serviceSchema>>
