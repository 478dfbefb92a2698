import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { OptionError } from '../options.ts'
import { measureOperator } from './measure-operator.ts'
import { judged, MEASURES, type OperatorRun } from './measures.ts'
import { renderOperatorTable } from './operator-table.ts'
import { OPERATOR_HELP, type OperatorBenchOptions, parseOperatorOptions } from './options.ts'

/** The exit code of a program that was interrupted. */
const INTERRUPTED = 130

const progress = (text: string) => void process.stderr.write(`${text}\n`)

const jsonOf = (runs: readonly OperatorRun[]) => ({
  machine: { processor: cpus()[0]?.model ?? '', cores: cpus().length, node: process.version },
  runs: runs.map((run) => ({
    ...run,
    values: Object.fromEntries(
      MEASURES.map((measure) => [measure.id, { unit: measure.unit, ...judged(run, measure) }] as const),
    ),
  })),
})

async function run({ counts, profiles, output, directory }: OperatorBenchOptions, signal: AbortSignal): Promise<void> {
  if (process.platform !== 'linux') throw new OptionError("the operator's bench needs Linux")
  const runs: OperatorRun[] = []
  for (const count of counts)
    runs.push(await measureOperator({ count, progress, signal, profiles: profiles && resolve(profiles) }))
  const json = `${JSON.stringify(jsonOf(runs), null, 2)}\n`
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'operator.json'), json)
  process.stdout.write(output === 'json' ? json : renderOperatorTable(runs))
  progress(`written: ${join(directory, 'operator.json')}`)
}

/** `npm run bench -- operator`: what the operator costs. The exit code. @throws {OptionError} */
export async function benchOperator(args: readonly string[], defaultDirectory: string): Promise<number> {
  const options = parseOperatorOptions(args, defaultDirectory)
  if (options === undefined) {
    process.stdout.write(OPERATOR_HELP)
    return 0
  }
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      // Whoever asks twice does not want to wait; what was started ends with this process.
      if (stop.signal.aborted) process.exit(INTERRUPTED)
      progress('ending what was started')
      stop.abort(new Error('interrupted'))
    })
  try {
    await run(options, stop.signal)
    return 0
  } catch (error) {
    if (!stop.signal.aborted) throw error
    return INTERRUPTED
  }
}
