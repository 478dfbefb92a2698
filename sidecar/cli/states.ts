import { endpoint } from '../control/client-line.ts'
import type { ListenState } from '../engine/ports.ts'
import type { Command } from './command.ts'
import { CONTROL_OPTION, withEngine } from './control-option.ts'
import { OUTPUT_OPTION, readOutput, writeAnswer } from './output-option.ts'
import { listenStateLines } from './summary.ts'
import { type Column, tableLines } from './table.ts'

const COLUMNS: readonly Column<ListenState>[] = [
  { title: 'LISTENER', text: ({ name }) => name },
  {
    title: 'STATE',
    text: ({ state }) => state,
    style: ({ state }) => (state === 'Listening' ? 'green' : 'red'),
  },
  { title: 'FAMILY', text: ({ socketFamily }) => socketFamily },
  { title: 'ENDPOINT', text: ({ address, port }) => endpoint(address, port) },
  { title: 'TLS', text: ({ tls }) => (tls ? 'yes' : 'no') },
  { title: 'CLIENTS', align: 'right', text: ({ clients }) => String(clients) },
  { title: 'ERROR', text: ({ error }) => error },
]

/** `socketserver states`. */
export const statesCommand: Command = {
  name: 'states',
  summary: 'tell whether the listeners of a running engine listen',
  usage: 'states [options]',
  details: ['Exit code 0 when every listener listens, else 1.'],
  options: { output: OUTPUT_OPTION, control: CONTROL_OPTION },
  maxPositionals: 0,
  run: (given, terminal) => {
    const output = readOutput(given)
    return withEngine(given, async (engine) => {
      const report = await engine.states()
      writeAnswer(terminal, output, report, (isWide) => {
        const stopping = report.stopping ? ['The engine is stopping.'] : []
        if (report.listeners.length === 0) return [...stopping, 'No listeners.']
        if (isWide) return [...tableLines(COLUMNS, report.listeners, { isWide, paint: terminal.paint }), ...stopping]
        const lines = listenStateLines(report.listeners)
        const painted = lines.map((line, i) =>
          line.replace(/(?<=State: )\w+/, (state) =>
            terminal.paint(state, report.listeners[i]?.state === 'Listening' ? 'green' : 'red'),
          ),
        )
        return [...painted, ...stopping]
      })
      return report.listenAllOk ? 0 : 1
    })
  },
}
