import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { startChild } from './child.ts'
import { within } from './deadline.ts'

const LISTEN =
  'const s = require("node:net").createServer();' +
  's.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(s.address().port))'

/** A port of loopback that answers no connect, neither with yes nor with no. */
export interface SilentPort extends AsyncDisposable {
  readonly port: number
}

/** Connections that fill the queue of a stopped process; one more than fit, whatever the system makes of a backlog of 1. */
const FILLING = 6

/** Stops a listening process and fills its queue: the system then drops every further connect without a word. */
export async function startSilentPort(): Promise<SilentPort> {
  const child = await startChild([process.execPath, '-e', LISTEN])
  const { stdout } = child.process
  if (stdout === null) throw new Error('the pipe of the child is missing')
  const [line] = await within(
    10_000,
    'the port',
    createInterface({ input: stdout })
      [Symbol.asyncIterator]()
      .next()
      .then(({ value }) => [String(value)]),
  )
  const port = Number(line)
  child.process.kill('SIGSTOP')
  const sockets: Socket[] = []
  for (let i = 0; i < FILLING; i++) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    sockets.push(socket)
  }
  await sleep(100)
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      child.process.kill('SIGKILL')
      await child.exited
    },
  }
}
