import { describe, expect, test } from 'vitest'
import { decideNudge, type NudgeFacts, type NudgeState } from '../../../../operator/reconcile/nudge.ts'

/** A pod that runs what it is to, whose Secrets are watched. */
const factsOf = (more: Partial<NudgeFacts> = {}): NudgeFacts => ({
  ...{ wanted: 'new', isBehind: false, annotation: '', references: 's1', firstReferences: undefined, now: 0 },
  ...more,
})

/** Decides over and over, as the annotation and the memory go on; what was written, and when. */
const run = (steps: readonly Partial<NudgeFacts>[], annotation = '') => {
  let state: NudgeState | undefined
  let written = annotation
  return steps.map((step) => {
    const nudge = decideNudge(state, factsOf({ annotation: written, ...step }))
    state = nudge.state
    written = nudge.value ?? written
    return nudge.value
  })
}

describe('a pod that runs another configuration', () => {
  test('is told once, again after 5 s when that brought nothing, more seldom after four times', () => {
    const at = [0, 4_999, 5_000, 10_000, 15_000, 20_000, 29_999, 30_000, 44_999, 45_000]
    expect(run(at.map((now) => ({ isBehind: true, references: undefined, now })))).toEqual([
      ...['new', undefined, 'new.2', 'new.3', 'new.4', undefined, undefined, 'new.5', undefined, 'new.6'],
    ])
  })
  test('is told ten times at most', () => {
    const steps = Array.from({ length: 100 }, (_, step) => ({
      isBehind: true,
      references: undefined,
      now: step * 15_000,
    }))
    const told = run(steps).filter((value) => value !== undefined)
    expect(told).toHaveLength(10)
    expect(told.at(-1)).toBe('new.10')
  })
  test('is told anew of the next configuration', () => {
    const steps = ['a', 'a', 'b'].map((wanted, now) => ({ wanted, isBehind: true, references: undefined, now }))
    expect(run(steps)).toEqual(['a', undefined, 'b'])
  })
  test('is not told when another operator has done it, and again when that brought nothing', () => {
    expect(run([{ isBehind: true }, { isBehind: true, now: 5_000 }], 'new@s1')).toEqual([undefined, 'new.2@s1'])
  })
})

describe('a pod whose Secrets changed', () => {
  test('is told at once, and once', () => {
    const steps = ['s1', 's2', 's2'].map((references, now) => ({ references, now }))
    expect(run(steps, 'new')).toEqual([undefined, 'new@s2', undefined])
  })
  test('is told although there is no configuration to be told of', () => {
    expect(run([{ wanted: '' }, { wanted: '', references: 's2' }])).toEqual([undefined, '@s2'])
  })
  test('is told when they changed while no operator ran', () => {
    expect(run([{ references: 's2' }], 'new@s1')).toEqual(['new@s2'])
  })
  test('is told when they changed between the pod was seen and it was first looked at', () => {
    expect(run([{ references: 's2', firstReferences: 's1' }])).toEqual(['@s2'])
    expect(run([{ references: 's2', firstReferences: 's1' }], 'new@s2')).toEqual([undefined])
  })
  test('is not told when it is new, for it has read what there is', () => {
    expect(run([{ references: 's9' }])).toEqual([undefined])
  })
  test('is told of the last of many changes, once in 5 s', () => {
    const steps = [0, 1, 1_000, 2_000, 5_001, 5_002].map((now, i) => ({ references: `s${Math.min(i, 4)}`, now }))
    expect(run(steps)).toEqual([undefined, '@s1', undefined, undefined, '@s4', undefined])
    const first = decideNudge(undefined, factsOf())
    const told = decideNudge(first.state, factsOf({ references: 's2', now: 1_000 }))
    const early = decideNudge(told.state, factsOf({ references: 's3', now: 2_000 }))
    expect([first.lookAfterMs, told.lookAfterMs, early.lookAfterMs]).toEqual([undefined, 1_000, 4_000])
  })
  test('is looked at each second until the change must have arrived', () => {
    const told = decideNudge(undefined, factsOf({ annotation: 'new@s0' }))
    const looks = [1, 4_999, 5_000].map((now) => decideNudge(told.state, factsOf({ now })).lookAfterMs)
    expect(looks).toEqual([1_000, 1_000, undefined])
  })
  test('is told of both by one write when the configuration changes, too', () => {
    expect(run([{}, { isBehind: true, references: 's2' }, { references: 's2' }])).toEqual([
      ...[undefined, 'new@s2', undefined],
    ])
  })
})

test('without a watch of Secrets nothing is told of them', () => {
  expect(run([{ references: undefined }, { references: undefined, now: 60_000 }], 'new@s1')).toEqual([
    ...[undefined, undefined],
  ])
})
