import * as z from 'zod'
import { asSet, attachRules } from '../rules.ts'
import type { DeepReadonly } from '../units.ts'
import { ACCESS_RULES } from './rules/access-rules.ts'

/** The most clients that any limit can name. */
const MOST_CLIENTS = 1_000_000

const clients = () => z.int().min(0).max(MOST_CLIENTS)

const networks = () =>
  asSet(
    z
      .array(z.string().min(1).max(64).describe('IP address, or network in CIDR notation, for example 192.0.2.0/24.'))
      .max(256),
  )

/** Clients at once over all listeners of one engine. */
export const maxClientsSchema = clients()
  .default(1000)
  .describe(
    'Clients at once over all listeners of one engine, counted from accept to close, 0 to 1000000. ' +
      'The client after the last place gets bannerTooBusy and is closed. When there is no place left, one whose handshake ' +
      'takes longer than a second makes room for it. The open files of the process limit it as well, two for each client. ' +
      '0: no limit but that. Absent: 1000.',
  )

/** Clients at once of one listener. */
export const listenerMaxClientsSchema = clients()
  .default(0)
  .describe(
    'Clients at once of this listener, within the maxClients of all, 0 to 1000000. 0: no limit of its own. Absent: 0.',
  )

/** Clients at once from one source. */
export const maxClientsPerSourceSchema = clients()
  .default(0)
  .describe(
    'Clients at once from one source, which is an IPv4 address or an IPv6 network of /64, 0 to 1000000. ' +
      'Behind a load balancer the source is the one its PROXY protocol header names. 0: no limit. Absent: 0.',
  )

const text = () => z.string().max(4096)

/** First bytes of every client. */
export const bannerSchema = text()
  .default('')
  .describe(
    'First bytes every client gets, inside TLS on a TLS listener, at most 4096 characters in UTF-8. ' +
      'A Passthrough host sends none, as its TLS is not ended here, nor does a Redirect host, whose clients expect HTTP. ' +
      'Empty: none. Absent: none.',
  )

/** What a client over a limit gets. */
export const bannerTooBusySchema = text()
  .default('Sorry, too many clients\r\n')
  .describe(
    'What the client over a limit gets before it is closed, inside TLS on a TLS listener, at most 4096 characters; ' +
      'from a Redirect host it comes as an answer of HTTP with the status 503. When many are over at once, those beyond 32 ' +
      'on TLS listeners and 256 on plain ones are closed without it. Empty: an immediate close. ' +
      'Absent: "Sorry, too many clients" and a line end.',
  )

const seconds = (least: number) => z.int().min(least).max(604800)

export const timeoutsSchema = z
  .strictObject({
    handshakeSeconds: z
      .int()
      .min(1)
      .max(300)
      .default(10)
      .describe(
        'Seconds from accept to the end of the TLS handshake, PROXY protocol header included, 1 to 300. Absent: 10.',
      ),
    idleSeconds: seconds(0)
      .default(3600)
      .describe(
        'Seconds without a byte in either direction after which a client is closed, 0 to 604800. 0: never. Absent: 3600.',
      ),
    connectSeconds: z
      .int()
      .min(1)
      .max(300)
      .default(5)
      .describe('Seconds a backend has to accept a connection, TLS to it included, 1 to 300. Absent: 5.'),
    lifetimeSeconds: seconds(0)
      .default(0)
      .describe('Seconds from accept after which a client is closed, 0 to 604800. 0: never. Absent: 0.'),
    drainSeconds: z
      .int()
      .min(0)
      .max(3600)
      .default(30)
      .describe(
        'Seconds clients may finish in after the server stopped accepting, 0 to 3600; then they are closed. Absent: 30.',
      ),
  })
  .describe('How long things may take. Absent: every member at its default.')

const acceptRateSchema = z
  .strictObject({
    perSecond: z
      .int()
      .min(0)
      .max(100000)
      .default(0)
      .describe('Connections per second that one source may open, 0 to 100000. 0: no limit. Absent: 0.'),
    burst: z
      .int()
      .min(0)
      .max(100000)
      .default(0)
      .describe(
        'Connections one source may open at once before the rate counts, 0 to 100000. 0: as many as perSecond. Absent: 0.',
      ),
  })
  .describe(
    'How fast one source may open connections. Faster ones get bannerTooBusy and are closed; on a TLS listener, where ' +
      'that takes a handshake, one a second gets it and the others are closed at once. Absent: no limit.',
  )

export const accessSchema = z
  .strictObject({
    allow: networks()
      .default([])
      .describe('Who may connect: addresses or networks, at most 256. Empty: everybody that deny leaves.'),
    deny: networks()
      .default([])
      .describe(
        'Who may not connect, whatever allow says: addresses or networks, at most 256. ' +
          'Denied clients are closed before a byte is read. Empty: nobody.',
      ),
    acceptRatePerSource: acceptRateSchema.prefault({}),
  })
  .describe('Who may connect, and how fast. Absent: everybody.')

attachRules(accessSchema, ACCESS_RULES)

/** How long things may take. */
export type Timeouts = DeepReadonly<z.infer<typeof timeoutsSchema>>

/** Who may connect, and how fast. */
export type Access = DeepReadonly<z.infer<typeof accessSchema>>
