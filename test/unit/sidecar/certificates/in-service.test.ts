import { describe, expect, test } from 'vitest'
import type { Requirements } from '../../../../sidecar/certificates/assess.ts'
import { decide, type Found } from '../../../../sidecar/certificates/in-service.ts'
import { loadSecret, type Material } from '../../../../sidecar/certificates/load.ts'
import { createAuthority, type IssueOptions } from '../../../support/certificates.ts'

const DAY = 86_400_000
const NOW = Date.parse('2026-11-01T00:00:00Z')
const at = (days: number) => new Date(NOW + days * DAY)
const root = createAuthority({ notBefore: at(-900), notAfter: at(900) })

const middle = root.intermediate({ notBefore: at(-900), notAfter: at(900) })

function material(options: IssueOptions = {}, issuer = root, intermediates = ''): Material {
  const issued = issuer.issue({ names: ['a.test', 'b.test'], notBefore: at(-99), notAfter: at(99), ...options })
  const bytes = (text: string) => ({ kind: 'bytes', bytes: Buffer.from(text) }) as const
  const loaded = loadSecret(
    {
      'tls.crt': bytes(issued.certPem + intermediates),
      'tls.key': bytes(issued.keyPem),
      'ca.crt': { kind: 'missing' },
    },
    NOW,
  )
  if (loaded.kind !== 'material') throw new Error(loaded.messages.join())
  return loaded.material
}

const REQUIREMENTS: Requirements = {
  hostNames: ['a.test', 'b.test'],
  strength: 2,
  purpose: 'server',
  certExpireDays: 30,
}
const found = (one: Material): Found => ({ kind: 'material', material: one })
const BROKEN: Found = { kind: 'unusable', messages: ['tls.crt is empty; put PEM text into it'] }
const MISSING: Found = { kind: 'missing', message: 'is missing; create it' }

const good = material()
const better = material()
const partial = material({ names: ['a.test'] })
const otherPartial = material({ names: ['b.test'] })
const expired = material({ notAfter: at(-1) })
const future = material({ notBefore: at(1) })
const strange = material({ names: ['c.test'] })
const chained = material({}, middle, middle.chainPem)
const expiredChained = material({ notAfter: at(-1) }, middle, middle.chainPem)
const unchained = material({}, middle)

type Outcome = 'found' | 'current' | 'nothing'
const CASES: Record<string, [current: Material | undefined, found: Found, outcome: Outcome, refused: boolean]> = {
  'good material comes': [undefined, found(good), 'found', false],
  'good material replaces good': [good, found(better), 'found', false],
  'good material replaces flawed': [partial, found(good), 'found', false],
  'flawed material comes when nothing else is there': [undefined, found(partial), 'found', false],
  'flawed material does not replace good': [good, found(partial), 'current', true],
  'flawed material replaces flawed': [partial, found(otherPartial), 'found', false],
  'flawed material replaces expired': [expired, found(partial), 'found', false],
  'expired material never comes': [undefined, found(expired), 'nothing', true],
  'expired material does not replace good': [good, found(expired), 'current', true],
  'material that is not yet valid never comes': [undefined, found(future), 'nothing', true],
  'material for other names never comes': [good, found(strange), 'current', true],
  'what expires in service stays': [expired, found(expired), 'current', false],
  'what is in service for other names leaves': [strange, BROKEN, 'nothing', true],
  'a chain without the intermediate of the one in service never comes': [chained, found(unchained), 'current', true],
  'a chain with it comes': [chained, found(material({}, middle, middle.chainPem)), 'found', false],
  'a chain without it comes when nothing good is in service': [expiredChained, found(unchained), 'found', false],
  'a chain of another issuer needs none of it': [chained, found(good), 'found', false],
  'broken material leaves the last good one': [good, BROKEN, 'current', true],
  'broken material and nothing in service': [undefined, BROKEN, 'nothing', true],
  'a Secret that is gone leaves the last good one': [good, MISSING, 'current', false],
  'a Secret that is gone and nothing in service': [undefined, MISSING, 'nothing', false],
}

describe('what is in service', () => {
  test.each(Object.entries(CASES))('%s', (_, [current, lies, outcome, refused]) => {
    const state = decide(current, lies, REQUIREMENTS, NOW)
    const expected = { found: lies.kind === 'material' ? lies.material : undefined, current, nothing: undefined }
    expect(state.material).toBe(expected[outcome])
    expect(state.assessment !== undefined).toBe(outcome !== 'nothing')
    expect(state.refused.length > 0).toBe(refused)
    expect(state.missing).toBe(lies.kind === 'missing' ? 'is missing; create it' : undefined)
  })

  test('changes when what is not yet valid becomes valid', () => {
    const { changesAt, material: served } = decide(good, found(future), REQUIREMENTS, NOW)
    expect(served).toBe(good)
    expect(changesAt).toBe(at(1).getTime())
    expect(decide(good, found(future), REQUIREMENTS, at(1).getTime()).material).toBe(future)
  })

  test('leaves when the host asks for more strength', () => {
    const strong = { ...REQUIREMENTS, strength: 4 } as const
    expect(decide(good, found(good), strong, NOW)).toMatchObject({ material: undefined })
  })
})
