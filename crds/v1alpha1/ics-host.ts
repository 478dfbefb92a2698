import * as z from 'zod'
import { DNS_LABEL, HOST_NAME, HOST_NAME_NOT_NUMERIC, HOST_TAG } from '../patterns.ts'
import { asSet, attachRules } from '../rules.ts'
import type { DeepReadonly } from '../units.ts'
import { certificateSchema } from './certificate.ts'
import { clientCertificateSchema } from './client-certificate.ts'
import { handlerSchema } from './handler.ts'
import { ICS_HOST_RULES } from './rules/ics-host-rules.ts'
import { securityLevelSchema, tlsOverridesSchema } from './tls-policy.ts'

/** A host name that a host may claim, wildcard included. */
const hostNameSchema = z
  .string()
  .min(1)
  .max(253)
  .regex(HOST_NAME.pattern)
  .regex(HOST_NAME_NOT_NUMERIC.pattern)
  .describe(
    'Host name as an A-label, for example "shop.example.com", or with a wildcard as the whole first label, ' +
      '"*.example.com", which stands for exactly one label. Case does not matter.',
  )

export const icsHostSchema = z
  .strictObject({
    hostTag: z
      .string()
      .min(1)
      .max(63)
      .regex(HOST_TAG.pattern)
      .describe(
        'Key of the host, unique in the resource, 1 to 63 letters, digits, "_", "." and "-". ' +
          'It appears in logs, metrics and the PROXY protocol sent to backends.',
      ),
    enabled: z
      .boolean()
      .default(true)
      .describe('Whether the host is served. A disabled host takes no name and no default place. Absent: true.'),
    description: z.string().max(256).default('').describe('A remark for people, at most 256 characters. Absent: none.'),
    hostNames: asSet(z.array(hostNameSchema).max(32))
      .default([])
      .describe(
        'Server names (SNI) that choose this host, at most 32. An exact name wins over a wildcard, a longer wildcard over a shorter. ' +
          'On one listener a name belongs to one enabled host. Empty: the host must be default.',
      ),
    listeners: asSet(
      z
        .array(z.string().min(1).max(63).regex(DNS_LABEL.pattern).describe('Name of a listener of this resource.'))
        .max(64),
    )
      .default([])
      .describe('Names of the listeners that serve the host, each once. Empty: every listener.'),
    default: z
      .boolean()
      .default(false)
      .describe(
        'Whether the host serves clients with an unknown server name or none. At most one on each listener, ' +
          'and the only way to be chosen on a plain listener. Absent: false.',
      ),
    certificate: certificateSchema
      .optional()
      .describe('Certificate of the host. Needed on a TLS listener unless the handler is Passthrough. Absent: none.'),
    securityLevel: securityLevelSchema,
    tls: tlsOverridesSchema.optional(),
    clientCertificate: clientCertificateSchema.optional(),
    handler: handlerSchema,
  })
  .describe('One host: the names it answers to, its certificate, its TLS policy, and what is done with its clients.')

attachRules(icsHostSchema, ICS_HOST_RULES)

/** One host, with every default applied. */
export type IcsHost = DeepReadonly<z.infer<typeof icsHostSchema>>
