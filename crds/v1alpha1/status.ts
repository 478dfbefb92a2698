import * as z from 'zod'
import { asMapBy } from '../rules.ts'
import type { DeepReadonly } from '../units.ts'

/** How good a certificate is: the worst of what was found. None: there is no certificate to judge. */
export const GRADES = ['OK', 'Warn', 'Fail', 'None'] as const

/** Whether a listener listens. */
export const LISTENER_STATES = ['Listening', 'Closed'] as const

const generation = () => z.int().min(0).max(Number.MAX_SAFE_INTEGER)
const count = () => z.int().min(0).max(2147483647)

export const listenerStatusSchema = z
  .strictObject({
    name: z.string().max(63).describe('Name of the listener.'),
    state: z.enum(LISTENER_STATES).describe('Listening: it accepts clients. Closed: it does not; error says why.'),
    address: z.string().max(45).describe('Address it listens on, or tries to.'),
    port: z.int().min(0).max(65535).describe('Port it listens on, or tries to.'),
    readyPods: count().describe('Pods in which it listens; outside a cluster 1 or 0.'),
    clients: count().describe('Clients connected to it.'),
    error: z.string().max(1024).describe('Why it does not listen; empty when it does.'),
  })
  .describe('State of one listener.')

export const certificateStatusSchema = z
  .strictObject({
    secretName: z.string().max(253).describe('Secret the certificate comes from.'),
    subject: z.string().max(1024).describe('Distinguished name of the subject, on one line.'),
    names: z
      .array(z.string().max(253).describe('DNS name or IP address.'))
      .max(100)
      .describe('Subject alternative names: DNS names and IP addresses.'),
    issuer: z.string().max(1024).describe('Distinguished name of the issuer, on one line.'),
    serialNumber: z.string().max(64).describe('Serial number, lower-case hexadecimal.'),
    sha256: z.string().max(64).describe('SHA-256 of the DER of the certificate, lower-case hexadecimal.'),
    keyType: z.string().max(32).describe('Type and size of the key, for example "EC P-256" or "RSA 2048".'),
    notBefore: z.string().max(32).describe('Begin of validity, RFC 3339.'),
    notAfter: z.string().max(32).describe('End of validity, RFC 3339.'),
    grade: z
      .enum(GRADES)
      .describe('OK: nothing to do. Warn: look at it soon. Fail: clients refuse it. None: nothing to judge.'),
    lastKnownGood: z
      .boolean()
      .describe('Whether a later version of the Secret could not be used and this earlier one is still served.'),
  })
  .describe('One certificate as it is served.')

export const icsHostStatusSchema = z
  .strictObject({
    hostTag: z.string().max(63).describe('hostTag of the host.'),
    grade: z.enum(GRADES).describe('The worst grade of its certificates; None when it has none.'),
    messages: z
      .array(z.string().max(1024).describe('One finding.'))
      .max(32)
      .describe('What was found, each naming the Secret, its entry, the host name and the cure. Empty: nothing.'),
    certificates: z
      .array(certificateStatusSchema)
      .max(4)
      .describe('The certificates as served, one for each key type.'),
  })
  .describe('State of one host.')

/** What is reported about a resource, the one that sums up the others last. */
export const CONDITION_TYPES = [
  'Accepted',
  'ResolvedRefs',
  'Programmed',
  'ListenersReady',
  'CertificatesValid',
  'CertificatesRenewed',
  'Ready',
] as const

const conditionSchema = z
  .strictObject({
    type: z
      .string()
      .max(316)
      .describe(
        'Accepted: the specification can be served. ResolvedRefs: every Secret, CA and backend named is there and usable. ' +
          'Programmed: every ready pod runs this generation. ListenersReady: every listener listens in every ready pod. ' +
          'CertificatesValid: no served certificate is expired, not yet valid, mismatched or untrusted. ' +
          'CertificatesRenewed: none is near its end, and no order has failed. Ready: the summary.',
      ),
    status: z.enum(['True', 'False', 'Unknown']).describe('True, False, or Unknown while it cannot be told.'),
    observedGeneration: generation().describe('metadata.generation the condition was judged on.'),
    lastTransitionTime: z.string().max(64).describe('When status changed last, RFC 3339.'),
    reason: z.string().max(1024).describe('Why, as one word for programs.'),
    message: z.string().max(32768).describe('Why, for people: what is wrong, where, and the cure.'),
  })
  .describe('One thing that is true or not of the resource.')

export const statusSchema = z
  .strictObject({
    observedGeneration: generation().describe('metadata.generation this status was judged on.'),
    replicas: count().describe('Pods there are.'),
    readyReplicas: count().describe('Pods that are ready.'),
    selector: z.string().max(1024).describe('Label selector of the pods, as text: for autoscalers.'),
    clients: count().describe('Clients connected, over all pods.'),
    hosts: count().describe('Enabled hosts, those of listeners included.'),
    readyListeners: z.string().max(16).describe('Listeners that listen in every ready pod, of all, for example "2/2".'),
    address: z
      .string()
      .max(253)
      .describe('Address clients connect to: that of the load balancer, else of the Service.'),
    nextCertificateExpiry: z.string().max(32).describe('End of the served certificate that ends first, RFC 3339.'),
    conditions: asMapBy(z.array(conditionSchema).max(16), 'type').describe('What is true of the resource, by type.'),
    listeners: asMapBy(z.array(listenerStatusSchema).max(64), 'name').describe('State of each listener.'),
    icsHosts: asMapBy(z.array(icsHostStatusSchema).max(576), 'hostTag').describe(
      'State of each host, those of listeners included.',
    ),
  })
  .describe('What is reported about the resource: by the operator, from what the engines prove.')

/** What is reported about a resource. */
export type SocketServerStatus = DeepReadonly<z.infer<typeof statusSchema>>

/** One thing that is true or not of a resource. */
export type Condition = DeepReadonly<z.infer<typeof conditionSchema>>

/** One of {@link CONDITION_TYPES}. */
export type ConditionType = (typeof CONDITION_TYPES)[number]

/** A Secret or CA that is named and cannot be used as it lies there, in the engine's `/status`. */
export interface UnresolvedRef {
  /** `Secret` or `ConfigMap`. */
  readonly kind: string
  readonly name: string
  /** What is wrong, and the cure. */
  readonly message: string
}

/** State of one listener, in the resource's status and in the engine's `/status` alike. */
export type ListenerStatus = DeepReadonly<z.infer<typeof listenerStatusSchema>>

/** State of one host, in the resource's status and in the engine's `/status` alike. */
export type IcsHostStatus = DeepReadonly<z.infer<typeof icsHostStatusSchema>>

/** One certificate as it is served. Times are RFC 3339 strings. */
export type CertificateStatus = DeepReadonly<z.infer<typeof certificateStatusSchema>>

/** One of {@link GRADES}. */
export type Grade = (typeof GRADES)[number]
