import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { startChild } from './child.ts'
import { within } from './deadline.ts'
import type { Part } from './manifest.ts'

const LISTEN =
  "const s=require('net').createServer().listen({port:0,host:'127.0.0.1',backlog:1},()=>console.log(s.address().port))"

/** A backend to which connects never succeed and never fail: nothing answers. */
export interface SwallowingBackend extends AsyncDisposable {
  /** The entry for `backends` of a manifest. */
  readonly backend: Part
}

/** Stops a process that listens, and fills the place where its connections wait: the kernel drops what comes then. */
export async function startSwallowing(): Promise<SwallowingBackend> {
  const child = await startChild([process.execPath, '-e', LISTEN])
  const { stdout } = child.process
  if (stdout === null) throw new Error('the pipe of the backend is missing')
  const [line] = (await within(10_000, 'the backend', once(createInterface({ input: stdout }), 'line'))) as [string]
  const port = Number(line)
  child.process.kill('SIGSTOP')
  const fillers: Socket[] = []
  // One that is not accepted within a while is the proof that the next is not, either.
  for (let isFull = false; !isFull; ) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    fillers.push(socket)
    isFull = await within(300, 'a place', once(socket, 'connect')).then(
      () => false,
      () => true,
    )
  }
  return {
    backend: { host: '127.0.0.1', port },
    async [Symbol.asyncDispose]() {
      for (const socket of fillers) socket.destroy()
      child.process.kill('SIGKILL')
      await child.exited
    },
  }
}
