import type { Stage } from './stage.ts'

/** Port of the listener of {@link twoHosts}. */
export const PORT = 8443

type Json = Readonly<Record<string, unknown>>

const host = (hostTag: string): Json => ({
  hostTag,
  hostNames: [`${hostTag}.example.com`],
  certificate: { secretName: `${hostTag}-tls` },
  handler: { type: 'Echo' },
})

/** A specification with the hosts `shop` and `calm`, and whatever others are wanted, that all echo behind TLS. */
export const twoHosts = (more: Json = {}, others: readonly string[] = []): Json => ({
  listeners: [{ name: 'https', port: PORT }],
  icsHosts: ['shop', 'calm', ...others].map(host),
  timeouts: { drainSeconds: 5 },
  ...more,
})

/** Has the stage serve {@link twoHosts}, each with a certificate of its own. */
export async function serveTwoHosts(stage: Stage): Promise<void> {
  for (const name of ['shop', 'calm']) await stage.renew(`${name}-tls`, [`${name}.example.com`])
  await stage.apply(twoHosts())
}

/** A host that goes on naming the Secret of `shop` when that is away: pods are replaced when a Secret is not named any more. */
export const KEEPER: Json = { ...host('keeper'), certificate: { secretName: 'shop-tls' } }
