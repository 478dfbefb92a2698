import { describe, expect, test } from 'vitest'
import type { ClientHello } from '../../../../../sidecar/engine/tls/client-hello.ts'
import { negotiatedGroup, type Settled } from '../../../../../sidecar/engine/tls/groups.ts'

const hello = (groups: number[], keyShares: number[]): ClientHello => ({
  serverName: undefined,
  alpn: [],
  groups,
  keyShares,
  ticketKeyName: undefined,
  length: 0,
})
const ours = ['X25519MLKEM768', 'X25519', 'P-256']

const tls13 = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', resumed: false }
const tls12 = { version: 'TLSv1.2', cipher: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', resumed: false }

const cases: Record<string, [ClientHello, Settled, string]> = {
  'the first of ours with a key share': [hello([23, 29], [23, 29]), tls13, 'X25519'],
  'a key share wins over a better group without one': [hello([4588, 29], [29]), tls13, 'X25519'],
  'without a common key share, the first of ours that is supported': [hello([24, 23, 29], [24]), tls13, 'X25519'],
  'a session of TLS 1.3 is resumed with a group': [hello([29], [29]), { ...tls13, resumed: true }, 'X25519'],
  'a hybrid group is never chosen under TLS 1.2': [hello([4588, 23], []), tls12, 'P-256'],
  'a session of TLS 1.2 is resumed without a group': [hello([23], []), { ...tls12, resumed: true }, ''],
  'RSA key exchange has no group': [hello([23], []), { ...tls12, cipher: 'TLS_RSA_WITH_AES_128_GCM_SHA256' }, ''],
  'nothing in common is empty': [hello([25], [25]), tls13, ''],
}

describe('negotiatedGroup() tells', () => {
  for (const [sentence, [from, settled, group]] of Object.entries(cases))
    test(sentence, () => expect(negotiatedGroup(ours, from, settled, true)).toBe(group))

  test('a library that asks for another share takes the first of ours that is supported', () =>
    expect(negotiatedGroup(ours, hello([4588, 29], [29]), tls13, false)).toBe('X25519MLKEM768'))
})
