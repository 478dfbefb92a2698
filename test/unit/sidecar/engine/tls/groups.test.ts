import { describe, expect, test } from 'vitest'
import type { ClientHello } from '../../../../../sidecar/engine/tls/client-hello.ts'
import { negotiatedGroup } from '../../../../../sidecar/engine/tls/groups.ts'

const hello = (groups: number[], keyShares: number[]): ClientHello => ({
  serverName: undefined,
  alpn: [],
  groups,
  keyShares,
  length: 0,
})
const ours = ['X25519MLKEM768', 'X25519', 'P-256']

const cases: Record<string, [ClientHello, string, string]> = {
  'the first of ours with a key share': [hello([23, 29], [23, 29]), 'TLSv1.3', 'X25519'],
  'a key share wins over a better group without one': [hello([4588, 29], [29]), 'TLSv1.3', 'X25519'],
  'without a common key share, the first of ours that is supported': [hello([24, 23, 29], [24]), 'TLSv1.3', 'X25519'],
  'a hybrid group is never chosen under TLS 1.2': [hello([4588, 23], []), 'TLSv1.2', 'P-256'],
  'nothing in common is empty': [hello([25], [25]), 'TLSv1.3', ''],
}

describe('negotiatedGroup() tells', () => {
  for (const [sentence, [from, version, group]] of Object.entries(cases))
    test(sentence, () => expect(negotiatedGroup(ours, from, version)).toBe(group))
})
