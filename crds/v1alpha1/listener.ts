import * as z from 'zod'
import { DNS_LABEL } from '../patterns.ts'
import { asSet, attachRules } from '../rules.ts'
import { type DeepReadonly, portNumber } from '../units.ts'
import { certificateSchema } from './certificate.ts'
import { handlerSchema } from './handler.ts'
import { listenerMaxClientsSchema } from './limits.ts'
import { LISTENER_RULES, PROXY_PROTOCOL_RULES } from './rules/listener-rules.ts'

/** The address families of a listener. */
export const SOCKET_FAMILIES = ['Any', 'IPv4', 'IPv6'] as const

/** Whether a listener reads a PROXY protocol header from those who connect. */
export const PROXY_PROTOCOL_MODES = ['None', 'Optional', 'Require'] as const

export const proxyProtocolSchema = z
  .strictObject({
    mode: z
      .enum(PROXY_PROTOCOL_MODES)
      .default('None')
      .describe(
        'Whether connections begin with a PROXY protocol header (version 1 or 2), which a load balancer sends to tell the ' +
          'address of the client. None: never read. Optional: read and believed when one comes from trustedSources. ' +
          'Require: a connection without one, or from elsewhere, is refused. Absent: None.',
      ),
    trustedSources: asSet(
      z
        .array(z.string().min(1).max(64).describe('IP address, or network in CIDR notation, for example 10.0.0.0/8.'))
        .max(64),
    )
      .default([])
      .describe(
        'Who may send the header: addresses or networks of the load balancers. Needed unless mode is None; ' +
          'a header from elsewhere is never believed.',
      ),
  })
  .describe('The PROXY protocol as spoken to this listener. Absent: none is expected.')

attachRules(proxyProtocolSchema, PROXY_PROTOCOL_RULES)

export const listenerSchema = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(63)
      .regex(DNS_LABEL.pattern)
      .describe(
        'Name of the listener, unique in the resource: a DNS label of at most 63 characters. Hosts refer to it.',
      ),
    address: z
      .string()
      .min(1)
      .max(45)
      .default('::')
      .describe(
        'IP address to listen on. Absent: "::", every address of the machine (of the family IPv4 alone when socketFamily says so). ' +
          '"0.0.0.0" is every IPv4 address. An address must be of the family that socketFamily names.',
      ),
    port: portNumber().describe(
      'TCP port to listen on, 1 to 65535. Two listeners share a port only on different addresses.',
    ),
    socketFamily: z
      .enum(SOCKET_FAMILIES)
      .default('Any')
      .describe('Address family: Any (with the address "::" both IPv6 and IPv4), IPv4 or IPv6 alone. Absent: Any.'),
    tls: z
      .boolean()
      .default(true)
      .describe(
        'Whether clients speak TLS. On a plain listener (false) no server name tells hosts apart, so its one default host ' +
          'serves every client. Absent: true.',
      ),
    listenBacklog: z
      .int()
      .min(1)
      .max(65535)
      .default(511)
      .describe(
        'Connections the kernel keeps waiting before they are accepted, 1 to 65535; the kernel may cap it ' +
          '(net.core.somaxconn). Absent: 511.',
      ),
    maxClients: listenerMaxClientsSchema,
    proxyProtocol: proxyProtocolSchema.prefault({}),
    handler: handlerSchema
      .optional()
      .describe(
        'Gives the listener a host of its own: its hostTag is the name of the listener, it is the default host there, and it is ' +
          'served there alone. Needed on every listener when icsHosts is empty. Absent: only icsHosts are served.',
      ),
    certificate: certificateSchema
      .optional()
      .describe(
        "Certificate of the listener's own host. Needed with handler on a TLS listener, unless the handler is Passthrough; " +
          'refused without handler. Absent: none.',
      ),
  })
  .describe('One socket that clients connect to.')

attachRules(listenerSchema, LISTENER_RULES)

/** One socket that clients connect to. */
export type Listener = DeepReadonly<z.infer<typeof listenerSchema>>

/** The PROXY protocol as spoken to a listener. */
export type ProxyProtocol = DeepReadonly<z.infer<typeof proxyProtocolSchema>>

/** One of {@link SOCKET_FAMILIES}. */
export type SocketFamily = (typeof SOCKET_FAMILIES)[number]
