import { nearest } from './nearest.ts'
import { formatPath, type Path, type Problem, quote, showValue, valueAt } from './problem.ts'
import type { Breach, Rule } from './rules.ts'

/** More problems than a person can read are counted and not kept. */
const MOST_PROBLEMS = 1000

/** Suggestions cost time, and nobody reads the thousandth. */
const MOST_SUGGESTIONS = 200

/** A rule that waits until the whole document is read. */
type Pending = { readonly rule: Rule<unknown>; readonly value: unknown; readonly path: Path }

/** One document while it is read: what is found, and what is still to be judged. */
export type Reading = {
  readonly root: unknown
  readonly problems: Problem[]
  readonly warnings: Problem[]
  readonly pending: Pending[]
  /** Places where nothing usable stands; verdicts that rest on them are not given. */
  readonly lost: Set<string>
  /** How many suggestions were asked for. */
  suggestions: number
  /** How many problems are beyond the most that are kept. */
  dropped: number
}

/** Takes a breach of a rule into account, unless the verdict rests on a place where nothing usable stands. */
export function judge(reading: Reading, rule: Rule<unknown>, base: Path, breach: Breach): void {
  const path = [...base, ...breach.path]
  if (reading.lost.size > 0) {
    const restsOn = [path, ...(breach.restsOn ?? []).map((relative) => [...base, ...relative])]
    if (restsOn.some((place) => isLost(reading, place))) return
  }
  const problem = describe(reading, path, rule.id, breach.message ?? rule.message, breach.cure ?? rule.cure)
  if (rule.severity === 'warning') {
    if (reading.warnings.length < MOST_PROBLEMS) reading.warnings.push(problem)
  } else keep(reading, problem)
}

function isLost(reading: Reading, path: Path): boolean {
  for (let length = 0; length <= path.length; length++)
    if (reading.lost.has(formatPath(path.slice(0, length)))) return true
  return false
}

/** Reports that nothing usable stands at a place, as a sentence about the field and its value; `required` speaks for itself. */
export function lose(reading: Reading, path: Path, rule: string, predicate: string, cure: string): undefined {
  reading.lost.add(formatPath(path))
  if (rule === 'required') addProblem(reading, path, rule, predicate, cure)
  else add(reading, path, rule, predicate, cure)
  return undefined
}

/** Reports a breach as a sentence about the field and its value: `port "0"` and the predicate. */
export function add(reading: Reading, path: Path, rule: string, predicate: string, cure: string): void {
  const name = [...path].reverse().find((step) => typeof step === 'string') ?? 'the document'
  addProblem(reading, path, rule, `${name} ${quote(valueAt(reading.root, path))} ${predicate}`, cure)
}

/** Reports a breach with a message of its own. */
export function addProblem(reading: Reading, path: Path, rule: string, message: string, cure: string): void {
  if (reading.problems.length >= MOST_PROBLEMS) reading.dropped++
  else keep(reading, describe(reading, path, rule, message, cure))
}

function keep(reading: Reading, problem: Problem): void {
  if (reading.problems.length >= MOST_PROBLEMS) reading.dropped++
  else reading.problems.push(problem)
}

function describe(reading: Reading, path: Path, rule: string, message: string, cure: string): Problem {
  return Object.freeze({ rule, path: formatPath(path), value: showValue(valueAt(reading.root, path)), message, cure })
}

/** The candidate nearest to a name, as long as suggestions are few. */
export function suggest(reading: Reading, name: string, candidates: readonly string[]): string | undefined {
  return ++reading.suggestions > MOST_SUGGESTIONS ? undefined : nearest(name, candidates)
}
