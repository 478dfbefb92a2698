import { setTimeout } from 'node:timers/promises'
import { SocketServerError } from '../base/errors.ts'
import type { ControlClient } from '../control/control-socket/control-client.ts'
import type { Command } from './command.ts'
import { CONTROL_OPTION, withEngine } from './control-option.ts'
import { OUTPUT_OPTION, readOutput, writeAnswer } from './output-option.ts'

const POLL_MS = 200

/** Resolves when the engine is gone. */
const ended = async (engine: ControlClient): Promise<void> => {
  for (;;) {
    try {
      await engine.states()
    } catch (error) {
      if (error instanceof SocketServerError && error.code === 'SS_ENGINE_UNREACHABLE') return
      throw error
    }
    await setTimeout(POLL_MS)
  }
}

/** `socketserver drain`. */
export const drainCommand: Command = {
  name: 'drain',
  summary: 'stop a running engine gracefully, as SIGTERM does',
  usage: 'drain [options]',
  details: [
    'The engine accepts clients for its --pre-stop seconds, then no more, and clients may finish for timeouts.drainSeconds. SIGTERM afterwards does not cut that short; a second one does.',
  ],
  options: {
    wait: { type: 'boolean', help: 'come back when the engine has ended' },
    output: OUTPUT_OPTION,
    control: CONTROL_OPTION,
  },
  maxPositionals: 0,
  run: (given, terminal) => {
    const output = readOutput(given)
    return withEngine(given, async (engine) => {
      const report = await engine.drain()
      writeAnswer(terminal, output, report, () => {
        const clients = report.clients === 1 ? '1 client' : `${report.clients} clients`
        const beginning = report.begun ? 'The engine drains' : 'The engine was stopping already'
        return [`${beginning}: ${clients} may finish within ${report.drainSeconds} s.`]
      })
      if (given.flag('wait')) await ended(engine)
      return 0
    })
  },
}
