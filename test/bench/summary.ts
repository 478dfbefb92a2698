import type { Column } from './columns.ts'
import type { Contestant } from './contestants.ts'
import { median } from './median.ts'
import type { Measurement } from './round.ts'

/** What is told of one contestant in one column. */
export interface Cell {
  /** Of all rounds; undefined when nothing was measured. */
  readonly median: number | undefined
  /** Of the rounds, in their order. */
  readonly values: readonly number[]
  /** How many times the cost of the contestant's floor it is (1.1: a tenth dearer); undefined without a floor. */
  readonly toFloor: number | undefined
  /** How many times the cost of the best of the others it is, the bare forwarders left out. */
  readonly toBest: number | undefined
  readonly problems: readonly string[]
}

/** The whole result: cells by contestant and column. */
export interface Summary {
  readonly contestants: readonly Pick<Contestant, 'id' | 'title' | 'floor'>[]
  readonly columns: readonly Pick<Column, 'id' | 'title' | 'unit' | 'digits' | 'isMoreBetter'>[]
  readonly cells: Readonly<Record<string, Readonly<Record<string, Cell>>>>
}

/** How many times as dear `value` is: above 1 is worse, whichever way the column counts. */
export function costRatio(value: number, base: number, isMoreBetter: boolean): number {
  return isMoreBetter ? base / value : value / base
}

/** Medians of all rounds and what they are to each other. */
export function summarize(
  contestants: Summary['contestants'],
  columns: Summary['columns'],
  measurements: readonly Measurement[],
): Summary {
  const of = (contestant: string, column: string) =>
    measurements.filter((one) => one.contestant === contestant && one.column === column)
  const valuesOf = (contestant: string, column: string) =>
    of(contestant, column).flatMap(({ value }) => (value === undefined ? [] : [value]))
  const cells: Record<string, Record<string, Cell>> = {}
  for (const { id, floor } of contestants) {
    const row: Record<string, Cell> = {}
    for (const { id: column, isMoreBetter } of columns) {
      const values = valuesOf(id, column)
      const own = median(values)
      const ratio = (base: number | undefined) =>
        own === undefined || base === undefined ? undefined : costRatio(own, base, isMoreBetter)
      const others = contestants
        .filter((other) => other.id !== id && isPeer(other.id))
        .flatMap((other) => median(valuesOf(other.id, column)) ?? [])
      const best = others.length === 0 ? undefined : isMoreBetter ? Math.max(...others) : Math.min(...others)
      const problems = [...new Set(of(id, column).flatMap(({ problem }) => (problem === '' ? [] : [problem])))]
      const toFloor = floor === undefined ? undefined : ratio(median(valuesOf(floor, column)))
      row[column] = { median: own, values, toFloor, toBest: isPeer(id) ? undefined : ratio(best), problems }
    }
    cells[id] = row
  }
  const plain = columns.map(({ id, title, unit, digits, isMoreBetter }) => ({ id, title, unit, digits, isMoreBetter }))
  return {
    contestants: contestants.map(({ id, title, floor }) => ({ id, title, ...(floor ? { floor } : {}) })),
    columns: plain,
    cells,
  }
}

/** Neither ours nor a bare forwarder. */
const isPeer = (id: string) => !id.startsWith('engine-') && !id.startsWith('bare-')
