import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Admission, type AdmissionLimits } from '../../../../../sidecar/engine/stages/admission.ts'
import type { Source } from '../../../../../sidecar/engine/stages/source.ts'

const limits = (changes: Partial<AdmissionLimits> = {}): AdmissionLimits => ({
  ...{ maxClients: 0, maxClientsPerSource: 0, acceptRatePerSource: { perSecond: 0, burst: 0 }, allow: [], deny: [] },
  ...changes,
})
const rate = (perSecond: number, burst: number) => limits({ acceptRatePerSource: { perSecond, burst } })

/** Enters and expects to be let in. */
function enter(admission: Admission, address: string, now = 0): Source {
  const entry = admission.enter(address, now)
  if ('reason' in entry) throw new Error(`refused: ${entry.reason}`)
  return entry
}

const refusal = (admission: Admission, address: string, now = 0) => {
  const entry = admission.enter(address, now)
  return 'reason' in entry ? entry.reason : undefined
}

describe('the access list', () => {
  const cases: Record<string, [Partial<AdmissionLimits>, string, boolean]> = {
    'empty lists deny nobody': [{}, '192.0.2.1', false],
    'deny denies an address': [{ deny: ['192.0.2.1'] }, '192.0.2.1', true],
    'deny denies a network': [{ deny: ['2001:db8::/32'] }, '2001:db8:1::1', true],
    'deny leaves the others': [{ deny: ['192.0.2.0/25'] }, '192.0.2.128', false],
    'allow denies everybody else': [{ allow: ['192.0.2.0/24'] }, '198.51.100.1', true],
    'allow of IPv4 alone denies IPv6': [{ allow: ['0.0.0.0/0'] }, '2001:db8::1', true],
    'deny wins over allow': [{ allow: ['192.0.2.0/24'], deny: ['192.0.2.1'] }, '192.0.2.1', true],
    'a mapped IPv4 address is the IPv4 address': [{ deny: ['192.0.2.0/24'] }, '::ffff:192.0.2.1', true],
  }
  for (const [sentence, [changes, address, isDenied]] of Object.entries(cases))
    test(sentence, () => expect(new Admission(limits(changes)).isDenied(address)).toBe(isDenied))
})

describe('clients of a source', () => {
  test('are let in up to the limit, and again as others leave', () => {
    const admission = new Admission(limits({ maxClientsPerSource: 2 }))
    const one = enter(admission, '192.0.2.1')
    enter(admission, '192.0.2.1')
    expect(refusal(admission, '192.0.2.1')).toBe('TooManyFromSource')
    enter(admission, '192.0.2.2')
    admission.leave(one)
    enter(admission, '192.0.2.1')
    expect(refusal(admission, '192.0.2.1')).toBe('TooManyFromSource')
  })

  test('stay counted over a change of limits, also when none was set before', () => {
    const open = new Admission(limits())
    const before = enter(open, '192.0.2.1')
    const limited = new Admission(limits({ maxClientsPerSource: 2 }), open)
    enter(limited, '192.0.2.1')
    expect(refusal(limited, '192.0.2.1')).toBe('TooManyFromSource')
    limited.leave(before)
    enter(limited, '192.0.2.1')
    expect(refusal(limited, '192.0.2.1')).toBe('TooManyFromSource')
  })

  test('whatever comes and goes, as many are counted as are inside, and nothing is remembered of an empty house', () => {
    const step = fc.record({ address: fc.integer({ min: 0, max: 3 }), isLeaving: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 4 }), (steps, most) => {
        const admission = new Admission(limits({ maxClientsPerSource: most }))
        const inside: Source[][] = [[], [], [], []]
        for (const { address, isLeaving } of steps) {
          const clients = inside[address] as Source[]
          if (isLeaving) {
            const source = clients.pop()
            if (source) admission.leave(source)
            continue
          }
          const entry = admission.enter(`192.0.2.${address}`, 0)
          expect('reason' in entry).toBe(clients.length >= most)
          if (!('reason' in entry)) clients.push(entry)
        }
        for (const source of inside.flat()) admission.leave(source)
        expect(admission.sources).toBe(0)
      }),
    )
  })
})

describe('the rate of a source', () => {
  test('lets a burst in, then one at a time', () => {
    const admission = new Admission(rate(2, 3))
    for (let i = 0; i < 3; i++) enter(admission, '192.0.2.1', 0)
    expect(refusal(admission, '192.0.2.1', 0)).toBe('TooFast')
    expect(refusal(admission, '192.0.2.1', 499)).toBe('TooFast')
    enter(admission, '192.0.2.1', 500)
    expect(refusal(admission, '192.0.2.1', 501)).toBe('TooFast')
  })

  test('tells a source that it is too fast once a second', () => {
    const admission = new Admission(rate(1, 1))
    enter(admission, '192.0.2.1', 0)
    const told = (now: number) => admission.enter('192.0.2.1', now)
    expect(told(1)).toEqual({ reason: 'TooFast', isDueToBeTold: true })
    expect(told(2)).toEqual({ reason: 'TooFast', isDueToBeTold: false })
    expect(told(999)).toEqual({ reason: 'TooFast', isDueToBeTold: false })
  })

  test('never lets more in than burst and rate allow, however the attempts are spread', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.nat(300), { maxLength: 300 }),
        (perSecond, burst, pauses) => {
          const admission = new Admission(rate(perSecond, burst))
          let now = 0
          let entered = 0
          for (const pause of pauses) {
            now += pause
            if (!('reason' in admission.enter('192.0.2.1', now))) entered += 1
          }
          expect(entered).toBeLessThanOrEqual(burst + (now / 1000) * perSecond)
        },
      ),
    )
  })

  test('is forgotten when it has recovered, and not before', () => {
    const admission = new Admission(rate(1, 5))
    admission.leave(enter(admission, '192.0.2.1', 0))
    admission.sweep(4_999)
    expect(admission.sources).toBe(1)
    admission.sweep(5_000)
    expect(admission.sources).toBe(0)
  })

  test('is remembered of so many sources and no more, whoever is inside', () => {
    const admission = new Admission(rate(1, 1))
    enter(admission, '198.51.100.1', 0)
    for (let i = 0; i < 120_000; i++)
      admission.leave(enter(admission, `2001:db8:${(i >> 16).toString(16)}:${(i & 0xffff).toString(16)}::1`, 1))
    expect(admission.sources).toBe(100_001)
    expect(refusal(admission, '198.51.100.1', 2)).toBe('TooFast')
  })
})
