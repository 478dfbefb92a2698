import * as z from 'zod'
import { BACKEND_HOST, DNS_LABEL, TARGET_HOST, UNIX_PATH, URL_PATH } from '../patterns.ts'
import { attachRules } from '../rules.ts'
import { type DeepReadonly, objectName, portNumber } from '../units.ts'
import { caRefSchema } from './client-certificate.ts'
import { BACKEND_RULES, BACKENDS_RULES, HANDLER_RULES } from './rules/handler-rules.ts'

/** What can be done with the clients of a host. */
export const HANDLER_TYPES = ['Forward', 'Passthrough', 'Redirect', 'Echo'] as const

/** How the backend of the next client is chosen. */
export const BALANCES = ['RoundRobin', 'LeastClients', 'Random'] as const

/** Versions of the PROXY protocol spoken to backends. */
export const PROXY_VERSIONS = ['None', 'V1', 'V2'] as const

/** The status codes a redirect can answer with. */
export const REDIRECT_STATUS_CODES = [301, 302, 303, 307, 308] as const

const serviceSchema = z
  .strictObject({
    name: z.string().min(1).max(63).regex(DNS_LABEL.pattern).describe('Name of the Service, in the same namespace.'),
    port: portNumber().describe('Port of the Service, as clients of the Service use it.'),
  })
  .describe(
    'A Service as backend, reached by DNS as NAME.NAMESPACE.svc, or as NAME when the manifest has no namespace. ' +
      'Stands alone: host, port and unixPath are not set beside it.',
  )

export const backendSchema = z
  .strictObject({
    service: serviceSchema.optional(),
    host: z
      .string()
      .min(1)
      .max(253)
      .regex(BACKEND_HOST.pattern)
      .optional()
      .describe('Host name or IP address of the backend, looked up by DNS for each connection. Needs port.'),
    port: portNumber().optional().describe('TCP port of the backend. Needs host.'),
    unixPath: z
      .string()
      .min(1)
      .max(107)
      .regex(UNIX_PATH.pattern)
      .optional()
      .describe('Absolute path of a UNIX domain socket, at most 107 bytes. Stands alone.'),
    weight: z
      .int()
      .min(0)
      .max(1000)
      .default(1)
      .describe('Share of the clients relative to the other backends, 0 to 1000. 0: gets no client. Absent: 1.'),
  })
  .describe('A program that clients are connected to. Exactly one of the forms: service, host with port, unixPath.')

attachRules(backendSchema, BACKEND_RULES)

const backends = z
  .array(backendSchema)
  .min(1)
  .max(64)
  .describe('Where clients are connected to, 1 to 64 backends; the sum of their weights is above 0.')

attachRules(backends, BACKENDS_RULES)

const balance = z
  .enum(BALANCES)
  .default('RoundRobin')
  .describe(
    'How the backend of the next client is chosen, weights considered: RoundRobin in turn, LeastClients the one with the ' +
      'fewest clients, Random by chance. Absent: RoundRobin.',
  )

const proxyProtocol = z
  .enum(PROXY_VERSIONS)
  .default('None')
  .describe(
    'Version of the PROXY protocol header sent first to the backend, which tells it the address of the client: None, V1 (text) or ' +
      'V2 (binary, with server name, ALPN, TLS facts and hostTag). The backend must expect it. Absent: None.',
  )

export const backendTlsSchema = z
  .strictObject({
    serverName: z
      .string()
      .min(1)
      .max(253)
      .regex(TARGET_HOST.pattern)
      .optional()
      .describe(
        'Server name sent to the backend and required in its certificate. Absent: the host or Service name of the backend.',
      ),
    caRef: caRefSchema
      .optional()
      .describe("The CAs the backend's certificate must chain to. Absent: the CAs the runtime trusts."),
    clientSecretName: objectName()
      .optional()
      .describe('Secret of type kubernetes.io/tls with the certificate shown to the backend. Absent: none is shown.'),
  })
  .describe('Encrypts the connection to the backend again by TLS. Absent: the backend is spoken to in plain text.')

export const forwardSchema = z
  .strictObject({ backends, balance, proxyProtocol, tls: backendTlsSchema.optional() })
  .describe(
    'Settings of type Forward: the bytes of the client, decrypted on a TLS listener, go to a backend and back. ' +
      'Needed with that type, refused with any other.',
  )

export const passthroughSchema = z
  .strictObject({ backends, balance, proxyProtocol })
  .describe(
    'Settings of type Passthrough: the TLS stream goes to a backend as it is, chosen by server name alone. ' +
      'The backend has the certificate. Needed with that type, refused with any other.',
  )

export const redirectSchema = z
  .strictObject({
    scheme: z.enum(['http', 'https']).optional().describe('Scheme of the target. Absent: the scheme of the request.'),
    hostname: z
      .string()
      .min(1)
      .max(253)
      .regex(TARGET_HOST.pattern)
      .optional()
      .describe('Host name of the target, as an A-label and without wildcard. Absent: the Host of the request.'),
    port: portNumber()
      .optional()
      .describe(
        'Port of the target. Absent: the default port of scheme when scheme is set, else the port of the request.',
      ),
    path: z
      .string()
      .min(1)
      .max(1024)
      .regex(URL_PATH.pattern)
      .optional()
      .describe('Path of the target, beginning with "/"; replaces path and query. Absent: those of the request.'),
    statusCode: z
      .literal(REDIRECT_STATUS_CODES)
      .default(302)
      .describe('HTTP status of the answer: 301, 302, 303, 307 or 308. 307 and 308 keep the method. Absent: 302.'),
  })
  .describe(
    'Settings of type Redirect: every HTTP request is answered with a redirect. Absent: every member at its default.',
  )

export const handlerSchema = z
  .strictObject({
    type: z
      .enum(HANDLER_TYPES)
      .describe(
        'What is done with a client. Forward: TLS ends here (on a TLS listener) and the bytes go to a backend; needs forward. ' +
          'Passthrough: the TLS stream goes to a backend untouched; needs passthrough. ' +
          'Redirect: HTTP requests are answered with a redirect; redirect is optional. ' +
          'Echo: every byte is sent back, for tests; has no member. Members of other types are refused.',
      ),
    forward: forwardSchema.optional(),
    passthrough: passthroughSchema.optional(),
    redirect: redirectSchema.optional(),
  })
  .describe('What is done with the clients.')

attachRules(handlerSchema, HANDLER_RULES)

/** What is done with the clients of a host: exactly the member named by `type` is set, and none for Echo. */
export type HandlerSpec = DeepReadonly<z.infer<typeof handlerSchema>>

/** One of {@link HANDLER_TYPES}. */
export type HandlerType = (typeof HANDLER_TYPES)[number]

/** Settings of the handler Forward. */
export type ForwardSpec = DeepReadonly<z.infer<typeof forwardSchema>>

/** Settings of the handler Passthrough. */
export type PassthroughSpec = DeepReadonly<z.infer<typeof passthroughSchema>>

/** Settings of the handler Redirect. */
export type RedirectSpec = DeepReadonly<z.infer<typeof redirectSchema>>

/** A program clients are connected to, in exactly one of three forms. */
export type Backend = DeepReadonly<z.infer<typeof backendSchema>>

/** TLS towards a backend. */
export type BackendTls = DeepReadonly<z.infer<typeof backendTlsSchema>>

/** One of {@link BALANCES}. */
export type Balance = (typeof BALANCES)[number]

/** One of {@link PROXY_VERSIONS}. */
export type ProxyVersion = (typeof PROXY_VERSIONS)[number]
