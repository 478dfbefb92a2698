import { parseArgs } from 'node:util'
import { COLUMNS, type Column } from './columns.ts'
import { CONTESTANTS, type Contestant } from './contestants.ts'

/** What a run of the bench is asked for. */
export interface BenchOptions {
  readonly rounds: number
  readonly contestants: readonly Contestant[]
  readonly columns: readonly Column[]
  /** 1, or a tenth for a quick look. */
  readonly scale: number
  readonly output: 'text' | 'json'
  /** Where bench.json and bench.svg are written. */
  readonly directory: string
}

/** What `--help` prints. */
export const HELP = `Usage: npm run bench -- [options]

Measures what a server costs: the server on core 0, load and backend on core 1, CPU time of the server alone.
Needs Linux, two cores, and the tools below that shall be compared; it takes about an hour.
What the operator costs is measured by: npm run bench -- operator [--help]

  --rounds N        rounds, interleaved; medians are told (3)
  --only ID,...     contestants: ${CONTESTANTS.map(({ id }) => id).join(', ')}
  --columns ID,...  what is measured: ${COLUMNS.map(({ id }) => id).join(', ')}
  --quick           a tenth of the work, one round unless --rounds says otherwise: to see whether it runs
  -o FORMAT         what is written to standard output: text or json (text)
  --out DIR         where bench.json and bench.svg are written (test/bench/results)
  --help            this text
`

/** A wrong option, told with its cure. */
export class OptionError extends Error {}

/** Reads the command line. Returns undefined when help is asked for. @throws {OptionError} */
export function parseOptions(args: readonly string[], defaultDirectory: string): BenchOptions | undefined {
  let values: ReturnType<typeof readArguments>
  try {
    values = readArguments(args)
  } catch (error) {
    throw new OptionError(error instanceof Error ? error.message : String(error))
  }
  if (values.help) return undefined
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3))
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new OptionError(`--rounds is "${values.rounds}": give a whole number from 1 on`)
  if (values.output !== 'text' && values.output !== 'json')
    throw new OptionError(`-o is "${values.output}": give text or json`)
  return {
    rounds,
    contestants: chosen('--only', values.only, CONTESTANTS),
    columns: chosen('--columns', values.columns, COLUMNS),
    scale: values.quick ? 0.1 : 1,
    output: values.output,
    directory: values.out ?? defaultDirectory,
  }
}

function readArguments(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      only: { type: 'string' },
      columns: { type: 'string' },
      quick: { type: 'boolean', default: false },
      output: { type: 'string', short: 'o', default: 'text' },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  }).values
}

function chosen<T extends { readonly id: string }>(
  option: string,
  list: string | undefined,
  all: readonly T[],
): readonly T[] {
  if (list === undefined) return all
  const wanted = list.split(',').map((id) => id.trim())
  const unknown = wanted.filter((id) => !all.some((one) => one.id === id))
  if (unknown.length > 0)
    throw new OptionError(`${option} names "${unknown.join(', ')}": there are ${all.map(({ id }) => id).join(', ')}`)
  return all.filter(({ id }) => wanted.includes(id))
}
