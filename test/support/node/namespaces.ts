import { startChild } from '../child.ts'
import type { CommandLine } from '../control-plane/network.ts'
import { runProgram } from '../control-plane/run-program.ts'
import { within } from '../deadline.ts'
import { eventually } from '../eventually.ts'

/** Namespaces of mounts, network and processes of their own, which end with everything that runs in them. */
export interface Namespaces extends AsyncDisposable {
  /** A process in them, as seen from outside. */
  readonly pid: number
  /** Makes a command run in the network alone: it is a process of this machine, and can be signalled. */
  inNetwork(command: CommandLine): CommandLine
  /** Makes a command run in all of them. It ends with them, not with the process that is started here. */
  inside(command: CommandLine): CommandLine
  /** Runs a command in all of them to its end. @throws with its output when it fails. */
  run(command: CommandLine): Promise<string>
}

/** What mounts hide, so that nothing of a node is seen on the machine, or left there. */
const HIDE = `
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs /var/log
ip link set lo up
`

/** Makes the namespaces; `pause` is the program that becomes process 1 in them. They also end with this process. */
export async function startNamespaces(pause: string): Promise<Namespaces> {
  const words = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc', '--', pause]
  const child = await startChild(['unshare', ...words])
  let said = ''
  child.process.stderr?.on('data', (chunk) => {
    said += chunk
  })
  child.process.stdout?.resume()
  const { pid } = child
  const of = (name: string) => `/proc/${pid}/ns/${name}`
  const inside = (command: CommandLine): CommandLine => [
    'nsenter',
    ...[`--mount=${of('mnt')}`, `--net=${of('net')}`, `--pid=${of('pid_for_children')}`, '--'],
    ...command,
  ]
  const run = async (command: CommandLine) => {
    const env = { PATH: process.env['PATH'] ?? '' }
    const { code, stdout, stderr } = await runProgram(inside(command), { env })
    if (code !== 0) throw new Error(`"${command.join(' ')}" ended with ${code}: ${stderr || stdout}`)
    return stdout
  }
  const namespaces: Namespaces = {
    pid,
    inNetwork: (command) => ['nsenter', `--net=${of('net')}`, '--', ...command],
    inside,
    run,
    async [Symbol.asyncDispose]() {
      // With process 1 the kernel ends all the others, and only then is it gone, which `unshare` waits for.
      if (child.exit() === undefined) await run(['/bin/sh', '-c', 'kill -TERM 1']).catch(() => {})
      await within(10_000, `the end of process 1 of a node`, child.exited).catch(() => child.process.kill('SIGKILL'))
      await child.exited
    },
  }
  try {
    await eventually(
      async () => {
        if (child.exit() !== undefined) return
        // Before /proc is that of the new namespace, process 1 is another.
        if (!(await run(['cat', '/proc/1/cmdline'])).startsWith(pause)) throw new Error('process 1 is another')
      },
      { withinMs: 20_000 },
    )
    if (child.exit() !== undefined) throw new Error(`namespaces cannot be made here: ${said.trim()}`)
    await run(['/bin/sh', '-euc', HIDE])
    return namespaces
  } catch (error) {
    await namespaces[Symbol.asyncDispose]()
    throw error
  }
}
