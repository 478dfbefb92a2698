import * as z from 'zod'
import type { DeepReadonly } from '../units.ts'

/** How good a certificate is: the worst of what was found. None: there is no certificate to judge. */
export const GRADES = ['OK', 'Warn', 'Fail', 'None'] as const

/** Whether a listener listens. */
export const LISTENER_STATES = ['Listening', 'Closed'] as const

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
    names: z.array(z.string().max(253)).max(100).describe('Subject alternative names: DNS names and IP addresses.'),
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
      .array(z.string().max(1024))
      .max(32)
      .describe('What was found, each naming the Secret, its entry, the host name and the cure. Empty: nothing.'),
    certificates: z
      .array(certificateStatusSchema)
      .max(4)
      .describe('The certificates as served, one for each key type.'),
  })
  .describe('State of one host.')

/** State of one listener, in the resource's status and in the engine's `/status` alike. */
export type ListenerStatus = DeepReadonly<z.infer<typeof listenerStatusSchema>>

/** State of one host, in the resource's status and in the engine's `/status` alike. */
export type IcsHostStatus = DeepReadonly<z.infer<typeof icsHostStatusSchema>>

/** One certificate as it is served. Times are RFC 3339 strings. */
export type CertificateStatus = DeepReadonly<z.infer<typeof certificateStatusSchema>>

/** One of {@link GRADES}. */
export type Grade = (typeof GRADES)[number]
