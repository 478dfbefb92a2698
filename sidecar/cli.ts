import { SocketServerError } from './base/errors.ts'
import { parseArguments } from './cli/command.ts'
import { COMMANDS } from './cli/commands.ts'
import { findCommand, helpOf, overview } from './cli/help.ts'
import { ansi, plain } from './cli/paint.ts'
import { problemLines } from './cli/problem-lines.ts'
import { createScreen } from './cli/screen.ts'
import type { Signal, Terminal } from './cli/terminal.ts'
import { versionCommand } from './cli/version.ts'
import { InvalidManifestError } from './control/config/invalid-manifest-error.ts'
import { createLineWriter } from './control/line-writer.ts'
import { printable } from './control/log-line.ts'

const FLUSH_MS = 2000

const err = createLineWriter(2)

const isTerminal = process.stdout.isTTY === true && process.env['TERM'] !== 'dumb'

// Whoever reads standard output may leave early (`socketserver help | head -1`).
const outClosed = new Promise<void>((resolve) => process.stdout.on('error', () => resolve()))

const terminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  outClosed,
  screen: isTerminal ? createScreen(process.stdin, process.stdout) : undefined,
  // https://no-color.org: set and not empty.
  paint: isTerminal && (process.env['NO_COLOR'] ?? '') === '' ? ansi : plain,
  err,
  isInteractive: process.stderr.isTTY === true,
  input: process.stdin,
  onSignal(listener) {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] satisfies Signal[]) process.on(signal, () => listener(signal))
  },
  onDefect(listener) {
    process.on('uncaughtException', listener)
    process.on('unhandledRejection', listener)
  },
}

const run = (words: readonly string[]): Promise<number> => {
  const [name, ...rest] = words
  switch (name) {
    case undefined:
    case '--help':
    case '-h':
      terminal.out(overview(COMMANDS))
      return Promise.resolve(0)
    case '--version':
    case '-v':
      return versionCommand.run(parseArguments(versionCommand, rest), terminal)
  }
  const command = findCommand(COMMANDS, name)
  const given = parseArguments(command, rest)
  if (given.flag('help')) {
    terminal.out(helpOf(command))
    return Promise.resolve(0)
  }
  return command.run(given, terminal)
}

/** Tells a failure in the form: what cannot be done and why, then the cure on a line of its own. */
const tell = (error: unknown): number => {
  if (error instanceof SocketServerError) {
    err.write(`${printable(error.message)}\n`)
    if (error instanceof InvalidManifestError) for (const line of problemLines(error.problems)) err.write(`  ${line}\n`)
    err.write(`${error.hint === undefined ? '' : `hint: ${printable(error.hint)}\n`}`)
    return error.exitCode
  }
  err.write(`Cannot go on: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  err.write('hint: this is a defect of socketserver; please report it with the lines above\n')
  return 1
}

const exitCode = await (async () => run(process.argv.slice(2)))().catch(tell)
// On a runtime that writes to pipes later, process.exit() would cut a long answer off.
if (process.stdout.writableLength > 0) await new Promise((resolve) => process.stdout.write('', resolve))
if (await err.flush(FLUSH_MS)) process.exit(exitCode)
// A write that nobody reads occupies a thread for ever, and the ordinary exit would wait for it.
process.kill(process.pid, 'SIGKILL')
