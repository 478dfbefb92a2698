import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { echo, startBackend } from '../support/backend.ts'
import { startChild } from '../support/child.ts'
import { runCommand } from '../support/command.ts'
import { within } from '../support/deadline.ts'
import { freePort } from '../support/ports.ts'
import { createReader } from '../support/reader.ts'
import { repository } from '../support/runtime.ts'

const run = promisify(execFile)

/** Runs a line as if it were pasted into a shell. */
const paste = async (line: string): Promise<string> => (await run('/bin/sh', ['-c', line], { timeout: 20_000 })).stdout

const movedPorts = async () => {
  const [port, httpPort, backendPort, adminPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ]
  const args = [
    ...['--port', `${port}`, '--http-port', `${httpPort}`],
    ...['--backend-port', `${backendPort}`, '--admin', `127.0.0.1:${adminPort}`],
  ]
  return { port, httpPort, backendPort, adminPort, args }
}

test('npm start prints listeners, hosts and commands that work when pasted, and Ctrl-C ends it cleanly', async () => {
  const { port, httpPort, backendPort, args } = await movedPorts()
  // A group of its own, as a terminal gives it one: Ctrl-C reaches every process in it, and npm passes it on once more.
  const child = await startChild(['npm', 'start', '--', ...args], { cwd: repository, detached: true })
  const { stdout, stderr } = child.process
  if (stdout === null || stderr === null) throw new Error('the pipes are missing')
  stderr.resume()
  try {
    const out = await createReader(stdout).until('Ctrl-C stops it.\n', 20_000)

    expect(out).toContain(`Socket 1 State: Listening Any on :: port ${port} SSL\n`)
    expect(out).toContain(`Socket 2 State: Listening Any on :: port ${httpPort}\n`)
    expect(out).toContain(
      `Host shop: shop.localhost on https: Forward to 127.0.0.1:${backendPort}, level High, certificate `,
    )
    expect(out).toContain('Host secure: secure.localhost on https: Echo, level Tls13Only, certificate ')
    const lines = out.split('\n').filter((line) => /^ {2}[^ #]/.test(line) && /curl|openssl/.test(line))
    expect(lines.length).toBe(4)
    const [forwarded, echoed, redirected, status] = await Promise.all(lines.map(paste))
    expect(forwarded).toContain(`Hello from the backend on 127.0.0.1:${backendPort}.\nGET / for shop.localhost:${port}`)
    expect(echoed).toBe('hello\n')
    expect(redirected?.toLowerCase()).toContain(`location: https://shop.localhost:${port}/`)
    expect(JSON.parse(status ?? '')).toMatchObject({ name: 'quickstart', ready: true })

    process.kill(-child.pid, 'SIGINT')
    expect(await within(10_000, 'the end after Ctrl-C', child.exited)).toEqual({ code: 0, signal: null })
  } finally {
    if (child.exit() === undefined) process.kill(-child.pid, 'SIGKILL')
  }
  // Nothing of it is left: the port is free, and the throwaway CA is gone.
  await using occupant = await startBackend(echo, { port })
  expect(occupant.port).toBe(port)
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s to npm alone ends npm start with exit code 0, and leaves nothing behind',
  async (signal) => {
    const { port, args } = await movedPorts()
    const child = await startChild(['npm', 'start', '--', ...args], { cwd: repository, detached: true })
    const { stdout, stderr } = child.process
    if (stdout === null || stderr === null) throw new Error('the pipes are missing')
    stderr.resume()
    try {
      await createReader(stdout).until('Ctrl-C stops it.\n', 20_000)
      child.process.kill(signal)
      expect(await within(10_000, 'the end', child.exited)).toEqual({ code: 0, signal: null })
    } finally {
      if (child.exit() === undefined) process.kill(-child.pid, 'SIGKILL')
    }
    await using occupant = await startBackend(echo, { port })
    expect(occupant.port).toBe(port)
  },
)

test('a signal ends the quickstart with exit code 0', async () => {
  const { args } = await movedPorts()
  const child = await startChild([process.execPath, join(repository, 'sidecar/bin.js'), 'quickstart', ...args])
  const { stdout, stderr } = child.process
  if (stdout === null || stderr === null) throw new Error('the pipes are missing')
  stderr.resume()
  const out = await createReader(stdout).until('Ctrl-C stops it.\n', 20_000)
  const [, ca] = /--cacert (\S+)/.exec(out) ?? []
  expect(existsSync(String(ca))).toBe(true)
  child.process.kill('SIGINT')
  expect(await within(10_000, 'the end', child.exited)).toEqual({ code: 0, signal: null })
  expect(existsSync(String(ca))).toBe(false)
})

test.each([
  ['--port', 'https'],
  ['--backend-port', "example's backend"],
  ['--admin', 'admin address'],
])('when the port of %s is taken, the quickstart says so with the cure and exits with 3', async (option, who) => {
  await using occupant = await startBackend(echo)
  const { args } = await movedPorts()
  const taken = args.with(
    args.indexOf(option) + 1,
    option === '--admin' ? `127.0.0.1:${occupant.port}` : `${occupant.port}`,
  )
  const { code, stderr } = await runCommand(['quickstart', ...taken])
  expect(code).toBe(3)
  expect(stderr).toContain(`${occupant.port}`)
  expect(stderr).toMatch(/is in use|already listening/)
  expect(stderr).toContain(who)
  expect(stderr).toMatch(/^hint: .*--port 9443/m)
})
