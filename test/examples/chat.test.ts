import { expect, test } from 'vitest'
import { startChild } from '../support/child.ts'
import { collectOutput } from '../support/engine-output.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/ports.ts'
import { commandLine, repository } from '../support/runtime.ts'
import { connectTls } from '../support/tls-client.ts'

test('two people chat over TLS by the example of twenty lines', async () => {
  const port = await freePort()
  const child = await startChild([commandLine()[0], 'examples/chat.ts', String(port)], { cwd: repository })
  const { stdout, stderr } = child.process
  if (stdout === null || stderr === null) throw new Error('the pipes are missing')
  const output = collectOutput([stdout, stderr], child.exited)
  try {
    await eventually(() => expect(output.text()).toContain(`listens on port ${port}`), { withinMs: 15_000 })
    await using alice = await connectTls({ port })
    await using bob = await connectTls({ port })
    const welcome = 'Welcome to the chat. Your first line is your name.\r\n'
    expect(await alice.until('\n')).toBe(welcome)
    expect(await bob.until('\n')).toBe(welcome)
    alice.socket.write('Alice\r\n')
    expect(await bob.until('\n')).toBe('Alice is here\r\n')
    bob.socket.write('Bob\r\nhello, Alice\r\n')
    expect(await alice.until('\n')).toBe('Bob is here\r\n')
    expect(await alice.until('\n')).toBe('Bob: hello, Alice\r\n')
    bob.socket.end()
    expect(await alice.until('\n')).toBe('Bob has left\r\n')
    // Whoever vanishes takes nobody along.
    await using carol = await connectTls({ port })
    carol.socket.write('Carol\r\n')
    expect(await alice.until('\n')).toBe('Carol is here\r\n')
    carol.socket.destroy()
    alice.socket.write('still here?\r\n')
    await using dave = await connectTls({ port })
    dave.socket.write('Dave\r\n')
    expect(await alice.until('Dave is here\r\n')).toContain('Dave is here')
  } finally {
    child.process.kill('SIGKILL')
    await child.exited
  }
})
