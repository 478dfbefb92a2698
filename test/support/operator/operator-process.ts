import { join } from 'node:path'
import { type Exit, startChild } from '../child.ts'
import { runProgram } from '../control-plane/run-program.ts'
import { within } from '../deadline.ts'
import { collectOutput, type EngineOutput } from '../engine-output.ts'
import { eventually } from '../eventually.ts'
import { type Metrics, parseMetrics } from '../metrics.ts'
import { freePort } from '../ports.ts'
import { repository } from '../runtime.ts'

/** The real operator in a process of its own. */
export interface OperatorProcess extends EngineOutput, AsyncDisposable {
  readonly pid: number
  readonly identity: string
  ended(): boolean
  /** Status code and body of a path on the address of the probes. */
  probe(path: string): Promise<{ readonly code: number; readonly body: string }>
  metrics(): Promise<Metrics>
  /** Sends the signal (SIGTERM) and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Exit>
  signal(signal: NodeJS.Signals): void
}

let count = 0

/** How an operator is to be started. */
export interface OperatorStart {
  readonly args?: readonly string[]
  /** For Node and not for the operator. */
  readonly nodeArgs?: readonly string[]
  readonly awaitReady?: boolean
  /** What Node is to run, with its words. */
  readonly program?: readonly string[]
  /** Everything in its environment. */
  readonly env?: NodeJS.ProcessEnv
}

/**
 * Starts `node operator/main.ts`, or another program, and waits until it is ready. Without a kubeconfig it is to find its way
 * as in a pod.
 */
export async function startOperator(
  kubeconfig: string | undefined,
  {
    args = [],
    nodeArgs = [],
    awaitReady = true,
    program = ['operator/main.ts'],
    env = process.env,
  }: OperatorStart = {},
): Promise<OperatorProcess> {
  count += 1
  const port = await freePort()
  const identity = `operator-${process.pid}-${count}`
  const way = kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]
  const own = [...way, '--probes', `127.0.0.1:${port}`, '--identity', identity, '--pre-stop', '0', '--log', 'json']
  const child = await startChild([process.execPath, ...nodeArgs, ...program, ...own, ...args], { cwd: repository, env })
  const { stdout, stderr } = child.process
  if (stdout === null || stderr === null) throw new Error('the pipes of the operator are missing')
  const output = collectOutput([stdout, stderr], child.exited)
  const probe = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })
    return { code: response.status, body: await response.text() }
  }
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.process.kill(signal)
    try {
      return await within(15_000, `the operator's end after ${signal}`, child.exited)
    } finally {
      child.process.kill('SIGKILL')
    }
  }
  const operator: OperatorProcess = {
    ...output,
    pid: child.pid,
    identity,
    ended: () => child.exit() !== undefined,
    probe,
    metrics: async () => parseMetrics((await probe('/metrics')).body),
    stop,
    signal: (signal) => void child.process.kill(signal),
    async [Symbol.asyncDispose]() {
      if (child.exit() === undefined) await stop('SIGKILL')
    },
  }
  if (!awaitReady) return operator
  try {
    await eventually(
      async () => {
        if (child.exit() !== undefined) throw new Error('it ended')
        const { code, body } = await probe('/readyz')
        if (code !== 200) throw new Error(body)
      },
      { withinMs: 30_000, everyMs: 100 },
    )
    return operator
  } catch (cause) {
    await operator[Symbol.asyncDispose]()
    throw new Error(`the operator did not become ready: ${cause}\n${output.text()}`, { cause })
  }
}

/** What `node operator/main.ts role` prints. */
export async function printedRoles(args: readonly string[] = []): Promise<string> {
  const command = [process.execPath, join(repository, 'operator/main.ts'), 'role', ...args] as const
  const { stdout, stderr, code } = await runProgram(command, { env: {} })
  if (code !== 0) throw new Error(`the roles are not printed: ${stderr}`)
  return stdout
}
