import { type Arguments, type OptionSpec, usageError } from './command.ts'
import type { Terminal } from './terminal.ts'

/** `--interval` of what is drawn again and again. */
export const INTERVAL_OPTION: OptionSpec = {
  type: 'string',
  value: 'SECONDS',
  help: 'time between two looks, 0.1 to 3600',
}

/**
 * Milliseconds of `--interval`.
 *
 * @throws SocketServerError SS_USAGE
 */
export const readInterval = (given: Arguments, otherwise: number): number => {
  const text = given.string('interval')
  if (text === undefined) return otherwise
  const seconds = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && seconds >= 0.1 && seconds <= 3600) return seconds * 1000
  throw usageError(`"${text}", given by --interval, is not a number of seconds`, 'give a number from 0.1 to 3600')
}

/** What is shown at one moment: lines for a screen with that many rows. */
export type Frame = (rows: number) => readonly string[]

/**
 * Shows what `look` finds every `intervalMs`, until the person leaves, a signal comes or nobody reads: redrawn on a terminal, one below
 * the other elsewhere.
 *
 * @throws what `look` throws, with the terminal given back
 */
export const refresh = async (terminal: Terminal, intervalMs: number, look: () => Promise<Frame>): Promise<void> => {
  const signalled = Promise.withResolvers<void>()
  terminal.onSignal(() => signalled.resolve())
  let frame: Frame | undefined
  const redraw = (): void => {
    if (frame !== undefined) screen?.draw(frame(screen.rows))
  }
  const screen = terminal.screen?.open(redraw)
  let hasLeft = false
  const ways = [signalled.promise, terminal.outClosed, ...(screen === undefined ? [] : [screen.left])]
  const left = Promise.race(ways).then(() => {
    hasLeft = true
  })
  try {
    while (!hasLeft) {
      const found = await Promise.race([look(), left])
      if (found === undefined) return
      if (screen === undefined) {
        const lines = found(Number.POSITIVE_INFINITY)
        terminal.out(`${frame === undefined ? '' : '\n'}${lines.map((line) => `${line}\n`).join('')}`)
      }
      frame = found
      redraw()
      await pause(intervalMs, left)
    }
  } finally {
    screen?.close()
  }
}

const pause = async (milliseconds: number, left: Promise<void>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const passed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([passed, left])
  clearTimeout(timer)
}
