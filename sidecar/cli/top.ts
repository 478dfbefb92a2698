import { setTimeout } from 'node:timers/promises'
import type { ControlClient } from '../control/control-socket/control-client.ts'
import type { TotalsReport } from '../control/control-socket/control-target.ts'
import { printable } from '../control/log-line.ts'
import { type Arguments, type Command, usageError } from './command.ts'
import { CONTROL_OPTION, withEngine } from './control-option.ts'
import { OUTPUT_OPTION, readOutput, writeAnswer } from './output-option.ts'
import type { Paint } from './paint.ts'
import { shortBytes, shortDuration, shortNumber } from './quantities.ts'
import { type Rate, type RatesReport, ratesBetween } from './rates.ts'
import { INTERVAL_OPTION, readInterval, refresh } from './refresh.ts'
import { type Column, tableLines } from './table.ts'
import type { Terminal } from './terminal.ts'

const INTERVAL_MS = 1000
const FIRST_MS = 250

const columnsFor = (title: string, nameWidth: number): readonly Column<Rate>[] => [
  { title: title.padEnd(nameWidth), text: ({ name }) => name },
  { title: 'CLIENTS', align: 'right', text: ({ clients }) => String(clients) },
  { title: 'CONN/S', align: 'right', text: (one) => shortNumber(one.connectionsPerSecond) },
  { title: 'HANDSHAKES/S', align: 'right', text: (one) => shortNumber(one.handshakesPerSecond) },
  { title: 'RECEIVED/S', align: 'right', text: (one) => shortBytes(one.receivedBytesPerSecond) },
  { title: 'SENT/S', align: 'right', text: (one) => shortBytes(one.sentBytesPerSecond) },
]

/** The rates as text: who is asked, then a table of listeners and one of hosts. */
const rateLines = (report: RatesReport, paint: Paint): string[] => {
  const options = { isWide: false, paint }
  const name = report.namespace === '' ? report.name : `${report.namespace}/${report.name}`
  const clients = report.clients === 1 ? '1 client' : `${report.clients} clients`
  const stopping = report.stopping ? `, ${paint('stopping', 'yellow')}` : ''
  const { listeners, hosts } = report
  // One below the other they are read as one table.
  const width = Math.max(...[...listeners, ...hosts].map(({ name: { length } }) => length), 'LISTENER'.length)
  return [
    `${paint(printable(name), 'bold')}: ${clients}, up ${shortDuration(report.uptimeSeconds * 1000)}${stopping}`,
    '',
    ...(listeners.length === 0 ? ['No listeners.'] : tableLines(columnsFor('LISTENER', width), listeners, options)),
    '',
    ...(hosts.length === 0 ? ['No hosts.'] : tableLines(columnsFor('HOST', width), hosts, options)),
  ]
}

const once = async (engine: ControlClient, intervalMs: number): Promise<RatesReport> => {
  const before = await engine.totals()
  await setTimeout(intervalMs)
  return ratesBetween(before, await engine.totals())
}

const top = (given: Arguments, terminal: Terminal): Promise<number> => {
  const output = readOutput(given)
  if (output === 'wide') throw usageError('"top" has no more columns', 'leave out -o wide')
  const intervalMs = readInterval(given, INTERVAL_MS)
  return withEngine(given, async (engine) => {
    if (output !== 'text' || terminal.screen === undefined) {
      const report = await once(engine, intervalMs)
      writeAnswer(terminal, output, report, () => rateLines(report, terminal.paint))
      return 0
    }
    let before: TotalsReport | undefined
    await refresh(terminal, intervalMs, async () => {
      const isFirst = before === undefined
      before ??= await engine.totals()
      // The first rates are of a short time, so that there is something to see at once.
      if (isFirst) await setTimeout(Math.min(intervalMs, FIRST_MS))
      const after = await engine.totals()
      const report = ratesBetween(before, after)
      before = after
      const help = terminal.paint(`every ${intervalMs / 1000} s; q leaves`, 'dim')
      return (rows) => {
        const lines = rateLines(report, terminal.paint)
        const shown = lines.length <= rows - 2 ? [...lines, ''] : lines.slice(0, rows - 1)
        return [...shown, help]
      }
    })
    return 0
  })
}

/** `socketserver top`. */
export const topCommand: Command = {
  name: 'top',
  summary: 'show live rates of a running engine, per listener and host',
  usage: 'top [options]',
  details: ['On a terminal it is drawn again and again, and q or Ctrl-C leaves; elsewhere one table is printed.'],
  options: {
    interval: { ...INTERVAL_OPTION, help: `${INTERVAL_OPTION.help} (${INTERVAL_MS / 1000})` },
    output: { ...OUTPUT_OPTION, values: ['text', 'json', 'yaml'], help: 'text, json or yaml (text)' },
    control: CONTROL_OPTION,
  },
  maxPositionals: 0,
  run: top,
}
