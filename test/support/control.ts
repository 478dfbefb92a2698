import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { startChild } from './child.ts'
import { type CommandResult, runCommand } from './command.ts'
import { within } from './deadline.ts'
import type { EngineOutput } from './engine-output.ts'
import { commandLine, repository } from './runtime.ts'

/** Path of the control socket of a running engine, as its log tells it. */
export async function controlPath(engine: EngineOutput): Promise<string> {
  const started = await engine.waitForLog((line) => line.message === 'server started', 15_000)
  return String(started.control)
}

/** Runs a command that talks to this engine, for example `control(engine, 'clients', '-o', 'json')`. */
export async function control(engine: EngineOutput, ...args: string[]): Promise<CommandResult> {
  return await runCommand([...args, '--control', await controlPath(engine)], { withinMs: 30_000 })
}

/** The answer of such a command as JSON. */
export async function controlJson<T>(engine: EngineOutput, ...args: string[]): Promise<T> {
  const { stdout, stderr } = await control(engine, ...args, '-o', 'json')
  if (stderr !== '') throw new Error(stderr)
  return JSON.parse(stdout) as T
}

/** One request over a UNIX socket, with a body as it is. */
export function askSocket(
  path: string,
  method: string,
  url: string,
  body = '',
): Promise<{ readonly status: number; readonly body: string }> {
  const answer = new Promise<{ readonly status: number; readonly body: string }>((resolve, reject) => {
    const headers = { 'content-length': Buffer.byteLength(body), connection: 'close' }
    const sent = request({ socketPath: path, method, path: url, headers }, (response) => {
      text(response).then((got) => resolve({ status: response.statusCode ?? 0, body: got }), reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
  return within(10_000, `the answer to ${method} ${url}`, answer)
}

/** A command with a terminal of 100 columns and 24 rows. */
export interface OnTerminal extends AsyncDisposable {
  /** Everything it wrote so far, escape sequences included. */
  written(): string
  /** Types keys. */
  type(keys: string): void
  /** Its exit code. */
  ended(): Promise<number>
}

/** Runs a command on a terminal that `script` (util-linux) makes. */
export async function runOnTerminal(args: readonly string[], env: Record<string, string> = {}): Promise<OnTerminal> {
  const words = [...commandLine(), ...args].map((word) => `'${word}'`).join(' ')
  const line = `stty cols 100 rows 24; ${words}; echo "[exit $?]"`
  const child = await startChild(['script', '-qfec', line, '/dev/null'], {
    cwd: repository,
    env: { ...process.env, TERM: 'xterm', ...env },
  })
  const { stdin, stdout } = child.process
  if (stdin === null || stdout === null) throw new Error('the pipes of the command are missing')
  let written = ''
  stdout.on('data', (chunk: Buffer) => {
    written += chunk.toString()
  })
  return {
    written: () => written,
    type: (keys) => void stdin.write(keys),
    async ended() {
      await within(15_000, 'the end of the command on a terminal', child.exited)
      return Number(/\[exit (\d+)\]/.exec(written)?.[1] ?? Number.NaN)
    },
    async [Symbol.asyncDispose]() {
      child.process.kill('SIGKILL')
    },
  }
}

/** What a command wrote after it gave the screen back, which it must have taken exactly once. */
export function afterScreen(command: OnTerminal): string {
  const [before, inside, ...rest] = command.written().split(/\?1049[hl]/)
  if (before === undefined || inside === undefined || rest.length !== 1)
    throw new Error(`the screen was not taken and given back once: ${JSON.stringify(command.written())}`)
  return rest[0] ?? ''
}
