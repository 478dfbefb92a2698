import { parseArgs } from 'node:util'

/** What a run is asked for. */
export interface SoakOptions {
  readonly minutes: number
  readonly runtime: 'node' | 'bun'
}

/** How the command is used. */
export const USAGE = `usage: npm run soak -- [--minutes N] [--runtime node|bun]

Tries the promises of the wire tests again and again on one engine that runs all the time.

  --minutes N    for how long: a number above 0; the round that is under way is finished (60)
  --runtime R    what the engine runs on: node or bun (node)
`

/** Reads the arguments; undefined when help is asked for. @throws when they make no sense. */
export function soakOptions(args: readonly string[]): SoakOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '60' },
      runtime: { type: 'string', default: 'node' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const minutes = Number(values.minutes)
  if (!(minutes > 0 && Number.isFinite(minutes)))
    throw new Error(`--minutes is "${values.minutes}": give a number above 0`)
  if (values.runtime !== 'node' && values.runtime !== 'bun')
    throw new Error(`--runtime is "${values.runtime}": give node or bun`)
  return { minutes, runtime: values.runtime }
}
