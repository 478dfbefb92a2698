import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Roster, type Seat } from '../../../../sidecar/engine/roster.ts'

interface Member {
  readonly name: number
}

describe('a roster', () => {
  test('holds what came and did not leave, in the order in which it came, as a set does', () => {
    const moves = fc.array(fc.record({ who: fc.nat(9), comes: fc.boolean() }), { maxLength: 60 })
    fc.assert(
      fc.property(moves, (all) => {
        const roster = new Roster<Member>()
        const members = Array.from({ length: 10 }, (_, name): Member => ({ name }))
        const seats = new Map<Member, Seat<Member>>()
        for (const { who, comes } of all) {
          const member = members[who] as Member
          const seat = seats.get(member)
          if (comes && seat === undefined) seats.set(member, roster.add(member))
          if (!comes && seat !== undefined) {
            roster.delete(seat)
            seats.delete(member)
          }
          expect([...roster]).toEqual([...seats.keys()])
          expect(roster.size).toBe(seats.size)
          expect(roster.first).toBe([...seats.keys()][0])
        }
      }),
    )
  })

  test('takes no notice of one that leaves twice', () => {
    const roster = new Roster<Member>()
    const seats = [1, 2, 3].map((name) => roster.add({ name }))
    const [, second] = seats as [Seat<Member>, Seat<Member>, Seat<Member>]
    roster.delete(second)
    roster.delete(second)
    expect([...roster].map(({ name }) => name)).toEqual([1, 3])
  })

  test('goes over those that are there at the beginning, whoever leaves meanwhile', () => {
    const roster = new Roster<Member>()
    const seats = [1, 2, 3, 4].map((name) => roster.add({ name }))
    const seen: number[] = []
    for (const { name } of roster) {
      seen.push(name)
      for (const seat of seats) roster.delete(seat)
    }
    expect(seen).toEqual([1, 2, 3, 4])
    expect(roster.size).toBe(0)
  })

  test('keeps nothing of who has left', () => {
    const roster = new Roster<Member>()
    const [first, second] = [roster.add({ name: 1 }), roster.add({ name: 2 })]
    roster.delete(first)
    expect(first).toEqual({ member: undefined, before: undefined, after: undefined })
    roster.delete(second)
    expect(second).toEqual({ member: undefined, before: undefined, after: undefined })
  })
})
