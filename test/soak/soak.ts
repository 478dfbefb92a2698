import { startStage } from '../support/promises/stage.ts'
import { type SoakOptions, soakOptions, USAGE } from './options.ts'
import { type Trial, trialsOfARound } from './round.ts'

/** What became of one promise over all rounds. */
interface Tally {
  kept: number
  broken: number
  slowestSeconds: number
  /** What the last one told. */
  told: string
}

const clock = (milliseconds: number) => new Date(milliseconds).toISOString().slice(11, 19)

/** Tries the promises until the time is over, or `isOver`; tells each as it goes. */
async function soak({ minutes, runtime }: SoakOptions, isOver: () => boolean): Promise<ReadonlyMap<string, Tally>> {
  const tallies = new Map<string, Tally>()
  const trials = trialsOfARound(runtime)
  const started = performance.now()
  const timeouts = { handshakeSeconds: 5, connectSeconds: 2, idleSeconds: 5 }
  await using stage = await startStage({ timeouts }, { keepLines: 1_000, runtime })
  const end = started + minutes * 60_000
  for (let round = 1; performance.now() < end && !isOver(); round++)
    for (const trial of trials) {
      if (isOver()) break
      const begun = performance.now()
      const tally = tallies.get(trial.name) ?? { kept: 0, broken: 0, slowestSeconds: 0, told: '' }
      tallies.set(trial.name, tally)
      const outcome = await attempt(trial, stage)
      const seconds = (performance.now() - begun) / 1000
      tally[outcome.isKept ? 'kept' : 'broken'] += 1
      tally.told = outcome.told
      tally.slowestSeconds = Math.max(tally.slowestSeconds, seconds)
      const what = outcome.isKept ? 'ok    ' : 'BROKEN'
      console.log(
        `${clock(performance.now() - started)}  round ${round}  ${what}  ${trial.name}: ${outcome.told}, ${seconds.toFixed(1)} s`,
      )
      if (stage.engine.ended()) throw new Error(`the engine has ended:\n${stage.engine.text()}`)
    }
  return tallies
}

async function attempt(trial: Trial, stage: Parameters<Trial['keep']>[0]) {
  try {
    return { isKept: true, told: await trial.keep(stage) }
  } catch (error) {
    return { isKept: false, told: error instanceof Error ? error.message : String(error) }
  }
}

function summary(tallies: ReadonlyMap<string, Tally>): string {
  const rows = [...tallies].map(([name, { kept, broken, slowestSeconds, told }]) => [
    ...[name, String(kept), String(broken), `${slowestSeconds.toFixed(1)} s`, told],
  ])
  const table = [['promise', 'kept', 'broken', 'slowest', 'last'], ...rows]
  const widths = [0, 1, 2, 3].map((at) => Math.max(...table.map((row) => (row[at] ?? '').length)))
  return table.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')).join('\n')
}

async function main(): Promise<number> {
  let options: SoakOptions | undefined
  try {
    options = soakOptions(process.argv.slice(2))
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`)
    return 2
  }
  if (!options) {
    console.log(USAGE)
    return 0
  }
  let isInterrupted = false
  process.once('SIGINT', () => {
    isInterrupted = true
    console.log('the promise under way is the last; once more ends at once')
  })
  const tallies = await soak(options, () => isInterrupted)
  const broken = [...tallies.values()].reduce((sum, tally) => sum + tally.broken, 0)
  const kept = [...tallies.values()].reduce((sum, tally) => sum + tally.kept, 0)
  console.log(`\n${summary(tallies)}\n\n${kept} kept, ${broken} broken`)
  return broken > 0 || kept === 0 ? 1 : 0
}

process.exit(await main())
