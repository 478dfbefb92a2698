import type { CaRef, UnresolvedRef } from '../../crds/index.ts'
import { type CaBundle, isBundleUnresolved } from './ca-bundle.ts'
import type { InService } from './in-service.ts'

/** What the contract has room for. */
const MAX_MESSAGE = 1024

const messageOf = (name: string, { missing, refused }: InService): string =>
  [...(missing === undefined ? [] : [missing]), ...refused]
    .map((reason) => `Secret "${name}"${reason.startsWith('is ') ? ' ' : ': '}${reason}`)
    .join('; ')

/**
 * Every Secret and CA that is named and cannot be used as it lies there, each cause once: what is missing, what is refused
 * whether or not an earlier version is still in service, and bundles without a certificate. A Secret without a name is nobody's.
 */
export function unresolvedRefs(
  secrets: Iterable<readonly [name: string, state: InService | undefined]>,
  bundles: Iterable<readonly [ref: CaRef, bundle: CaBundle | undefined]>,
): readonly UnresolvedRef[] {
  const found = new Map<string, UnresolvedRef>()
  const add = (ref: UnresolvedRef) =>
    found.set(`${ref.kind}/${ref.name}/${ref.message}`, { ...ref, message: ref.message.slice(0, MAX_MESSAGE) })
  for (const [name, state] of secrets) {
    const message = state === undefined || name === '' ? '' : messageOf(name, state)
    if (message !== '') add({ kind: 'Secret', name, message })
  }
  for (const [{ kind, name }, bundle] of bundles)
    if (bundle !== undefined && isBundleUnresolved(bundle)) add({ kind, name, message: bundle.messages.join('; ') })
  return [...found.values()]
}
