import fc from 'fast-check'
import type { Part } from './manifest.ts'

/** What the changes are made of. */
export interface ChangeGround {
  /** Ports that listeners other than the untouched one may have. */
  readonly ports: readonly number[]
  /** Backends that greet with the text of their key. */
  readonly backends: Readonly<Record<string, Part>>
  /** Secrets that fit every host of {@link HOSTS}. */
  readonly secrets: readonly string[]
}

/** Hosts that come and go. */
export const HOSTS = ['a', 'b', 'c'] as const

/**
 * A spec around an untouched listener and host: which hosts there are, how they are served, which listeners, where they
 * listen, and every limit. `keptListener` and `keptHost` are parts of every one.
 */
export function anySpec(ground: ChangeGround, keptListener: Part, keptHost: Part): fc.Arbitrary<Part> {
  const handler = fc.oneof(
    fc.constant<Part>({ type: 'Echo' }),
    fc
      .constantFrom(...Object.values(ground.backends))
      .map((backend): Part => ({ type: 'Forward', forward: { backends: [backend] } })),
  )
  const hosts = fc.subarray([...HOSTS]).chain((tags) =>
    fc.tuple(
      ...tags.map((hostTag) =>
        fc.record({
          hostTag: fc.constant(hostTag),
          hostNames: fc.constantFrom([`${hostTag}.test`], [`${hostTag}.test`, `www.${hostTag}.test`]),
          listeners: fc.constant(['kept']),
          enabled: fc.boolean(),
          certificate: fc.constantFrom(...ground.secrets).map((secretName) => ({ secretName })),
          securityLevel: fc.constantFrom('High', 'Tls12Only', 'Tls13Only'),
          handler,
        }),
      ),
    ),
  )
  const listeners = fc
    .tuple(
      fc.shuffledSubarray([...ground.ports]),
      fc.shuffledSubarray(['one', 'two', 'three']),
      fc.infiniteStream(fc.boolean()),
    )
    .map(([ports, names, isTls]) =>
      names.slice(0, ports.length).map((name, at): Part => {
        const tls = isTls.next().value
        const certificate = tls ? { certificate: { secretName: ground.secrets[0] } } : {}
        return { name, address: '127.0.0.1', port: ports[at], tls, handler: { type: 'Echo' }, ...certificate }
      }),
    )
  return fc
    .record({
      hosts,
      listeners,
      bindPolicy: fc.constantFrom('BestEffort', 'AllOrNothing'),
      certExpireDays: fc.constantFrom(30, 200),
      maxClients: fc.constantFrom(0, 500, 1000),
      maxClientsPerSource: fc.constantFrom(0, 400),
      bannerTooBusy: fc.constantFrom('full\r\n', ''),
      timeouts: fc.record({ idleSeconds: fc.constantFrom(60, 3600), handshakeSeconds: fc.constantFrom(5, 10) }),
      atFirst: fc.boolean(),
    })
    .map(({ hosts: others, listeners: more, atFirst, ...limits }) => ({
      ...limits,
      listeners: atFirst ? [keptListener, ...more] : [...more, keptListener],
      icsHosts: atFirst ? [keptHost, ...others] : [...others, keptHost],
    }))
}
