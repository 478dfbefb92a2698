import type { ClientReport } from '../control/control-socket/client-report.ts'
import { CLIENT_COLUMNS, clientOrder, SORT_KEYS } from './client-columns.ts'
import { type Arguments, type Command, usageError } from './command.ts'
import { CONTROL_OPTION, withEngine } from './control-option.ts'
import { OUTPUT_OPTION, readOutput, writeAnswer } from './output-option.ts'
import { INTERVAL_OPTION, readInterval, refresh } from './refresh.ts'
import { tableLines } from './table.ts'
import type { Terminal } from './terminal.ts'

const FILTERS = ['listener', 'host', 'peer'] as const
const INTERVAL_MS = 2000

const clients = (given: Arguments, terminal: Terminal): Promise<number> => {
  const output = readOutput(given)
  const intervalMs = readInterval(given, INTERVAL_MS)
  const isWatching = given.flag('watch')
  if (isWatching && (output === 'json' || output === 'yaml'))
    throw usageError(`-o ${output} cannot be watched`, 'leave out --watch, and ask again when you like')
  const sort = given.string('sort')
  const order = sort === undefined ? undefined : clientOrder(sort)
  const filter = Object.fromEntries(
    FILTERS.flatMap((name) => {
      const value = given.string(name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
  const isFiltered = Object.keys(filter).length > 0
  const lines = (found: readonly ClientReport[], isWide: boolean): string[] =>
    found.length === 0
      ? [isFiltered ? 'No clients fit.' : 'No clients.']
      : tableLines(CLIENT_COLUMNS, found, { isWide, paint: terminal.paint })

  return withEngine(given, async (engine) => {
    const look = async (): Promise<readonly ClientReport[]> => {
      const found = await engine.clients(filter)
      return order === undefined ? found : [...found].sort(order)
    }
    if (!isWatching) {
      const found = await look()
      writeAnswer(terminal, output, { clients: found }, (isWide) => lines(found, isWide))
      return 0
    }
    await refresh(terminal, intervalMs, async () => {
      const found = await look()
      return (rows) => {
        const all = lines(found, output === 'wide')
        if (all.length <= rows) return all
        const more = all.length - (rows - 1)
        return [...all.slice(0, rows - 1), terminal.paint(`${more} more`, 'dim')]
      }
    })
    return 0
  })
}

/** `socketserver clients`. */
export const clientsCommand: Command = {
  name: 'clients',
  summary: 'list the clients of a running engine',
  usage: 'clients [options]',
  details: [
    'A client is in the phase greet until its hello is read, secure during the handshake, serve while it is served, close once its end is decided.',
    `--sort takes ${SORT_KEYS.join(', ')}; several separated by commas, with - before a name for the largest first: --sort host,-age.`,
  ],
  options: {
    listener: { type: 'string', value: 'NAME', help: 'only those of this listener' },
    host: { type: 'string', value: 'TAG', help: 'only those of this host' },
    peer: {
      type: 'string',
      value: 'ADDRESS',
      help: 'only those from an address, a network (192.0.2.0/24), or an address and port (192.0.2.1:4711)',
    },
    sort: {
      type: 'string',
      value: 'COLUMNS',
      values: SORT_KEYS,
      help: 'for example --sort host,-age (the oldest first)',
    },
    watch: { type: 'boolean', short: 'w', help: 'show them again and again; q or Ctrl-C leaves' },
    interval: { ...INTERVAL_OPTION, help: `${INTERVAL_OPTION.help}, with --watch (${INTERVAL_MS / 1000})` },
    output: OUTPUT_OPTION,
    control: CONTROL_OPTION,
  },
  maxPositionals: 0,
  run: clients,
}
