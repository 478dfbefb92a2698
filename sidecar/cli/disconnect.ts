import { printable } from '../control/log-line.ts'
import { type Arguments, type Command, usageError } from './command.ts'
import { CONTROL_OPTION, withEngine } from './control-option.ts'
import { OUTPUT_OPTION, readOutput, writeAnswer } from './output-option.ts'
import type { Terminal } from './terminal.ts'

const disconnect = (given: Arguments, terminal: Terminal): Promise<number> => {
  const output = readOutput(given)
  const ids = given.positionals
  if (ids.length === 0)
    throw usageError('"disconnect" needs the id of a client', '"socketserver clients" lists them; give one or several')
  return withEngine(given, async (engine) => {
    const report = await engine.disconnect(ids)
    writeAnswer(terminal, output, report, () => [
      ...report.disconnected.map((id) => `${id} is disconnected.`),
      ...report.notFound.map((id) => terminal.paint(`There is no client "${printable(id)}".`, 'red')),
    ])
    return report.notFound.length === 0 ? 0 : 1
  })
}

/** `socketserver disconnect`. */
export const disconnectCommand: Command = {
  name: 'disconnect',
  summary: 'close clients of a running engine',
  usage: 'disconnect ID... [options]',
  details: ['Exit code 1 when there is no client with one of the ids; the others are closed all the same.'],
  options: { output: OUTPUT_OPTION, control: CONTROL_OPTION },
  maxPositionals: Number.POSITIVE_INFINITY,
  words: 'clientIds',
  run: disconnect,
}
