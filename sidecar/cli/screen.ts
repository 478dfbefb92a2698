import type { ReadStream, WriteStream } from 'node:tty'
import { crop } from './paint.ts'

/** A terminal that a command may draw on. */
export interface Screen {
  /** Takes the whole terminal until it is closed. `resized` is called when its size changes. */
  open(resized: () => void): OpenScreen
}

/** The terminal while a command has it. */
export interface OpenScreen {
  readonly rows: number
  /** Shows these lines and nothing else; what does not fit is cut off. */
  draw(lines: readonly string[]): void
  /** Resolves when the person leaves: `q`, Ctrl-C, Ctrl-D, or the end of the input. */
  readonly left: Promise<void>
  /** Gives the terminal back as it was. */
  close(): void
}

// Control functions of xterm that every terminal in use knows.
const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'

const LEAVING = new Set(['q', 'Q', '\u0003', '\u0004'])

/** A screen on a terminal; keys are read when the input is one too. */
export const createScreen = (input: ReadStream, output: WriteStream): Screen => ({
  open(resized) {
    const left = Promise.withResolvers<void>()
    const onKeys = (keys: Buffer | string): void => {
      if ([...keys.toString()].some((key) => LEAVING.has(key))) left.resolve()
    }
    const onEnd = (): void => left.resolve()
    const hasKeys = input.isTTY === true
    if (hasKeys) {
      input.setRawMode(true)
      input.on('data', onKeys)
      input.on('end', onEnd)
      input.resume()
    }
    output.on('resize', resized)
    output.write(ENTER)
    return {
      get rows() {
        return output.rows || 24
      },
      draw(lines) {
        const columns = output.columns || 80
        const shown = lines.slice(0, output.rows || 24).map((line) => crop(line, columns) + CLEAR_LINE)
        output.write(HOME + shown.join('\r\n') + CLEAR_BELOW)
      },
      left: left.promise,
      close() {
        output.off('resize', resized)
        output.write(LEAVE)
        if (!hasKeys) return
        input.off('data', onKeys)
        input.off('end', onEnd)
        input.setRawMode(false)
        input.pause()
      },
    }
  },
})
