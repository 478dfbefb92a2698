import { parseArgs } from 'node:util'
import { OptionError } from '../options.ts'

/** What a run of the operator's bench is asked for. */
export interface OperatorBenchOptions {
  /** SocketServers of each run, ascending. */
  readonly counts: readonly number[]
  readonly output: 'text' | 'json'
  /** Where operator.json is written. */
  readonly directory: string
  /** Where CPU profiles of the operator are written; undefined: none are made. */
  readonly profiles: string | undefined
}

const COUNTS = '1000,10000'
/** Two pods each, every pod with an address of its own in 127.0.0.0/8; and the cluster's own range for Services. */
const MOST_SERVERS = 50_000

/** What `operator --help` prints. */
export const OPERATOR_HELP = `Usage: npm run bench -- operator [options]

Measures what the operator costs, on a real kube-apiserver and etcd. The bench makes the pods itself: it stands for the
Deployment controller and the kubelets, and one process answers for every engine. It needs Linux and takes some minutes
for 1,000 SocketServers, and ten times as long for 10,000.

  --count N[,N]   SocketServers, two pods each; one run for each number (${COUNTS})
  --profile DIR   write CPU profiles of the operator there (node --cpu-prof)
  -o FORMAT       what is written to standard output: text or json (text)
  --out DIR       where operator.json is written (test/bench/results)
  --help          this text
`

/** Reads the words behind `operator`. Returns undefined when help is asked for. @throws {OptionError} */
export function parseOperatorOptions(
  args: readonly string[],
  defaultDirectory: string,
): OperatorBenchOptions | undefined {
  let values: ReturnType<typeof readArguments>
  try {
    values = readArguments(args)
  } catch (error) {
    throw new OptionError(error instanceof Error ? error.message : String(error))
  }
  if (values.help) return undefined
  const counts = values.count.split(',').map((text) => (/^[0-9]+$/.test(text.trim()) ? Number(text) : Number.NaN))
  if (!counts.every((count) => count >= 1 && count <= MOST_SERVERS))
    throw new OptionError(
      `--count is "${values.count}": give one whole number from 1 to ${MOST_SERVERS}, or several with commas between`,
    )
  if (values.output !== 'text' && values.output !== 'json')
    throw new OptionError(`-o is "${values.output}": give text or json`)
  return {
    counts: [...new Set(counts)].sort((one, other) => one - other),
    output: values.output,
    directory: values.out ?? defaultDirectory,
    profiles: values.profile,
  }
}

function readArguments(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      count: { type: 'string', default: COUNTS },
      profile: { type: 'string' },
      output: { type: 'string', short: 'o', default: 'text' },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  }).values
}
