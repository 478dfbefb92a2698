import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLineWriter } from '../../../../sidecar/control/line-writer.ts'
import { eventually } from '../../../support/eventually.ts'
import { repository } from '../../../support/runtime.ts'

test('every line arrives, in order', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'line-writer-'))
  try {
    const file = join(directory, 'log')
    const writer = createLineWriter(openSync(file, 'w'))
    const lines = Array.from({ length: 5000 }, (_, i) => `line ${i}\n`)
    for (const [i, line] of lines.entries()) {
      writer.write(line)
      if (i % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await writer.flush(5000)).toBe(true)
    expect(readFileSync(file, 'utf8')).toBe(lines.join(''))
    expect(writer.dropped).toBe(0)
  } finally {
    await rm(directory, { recursive: true })
  }
})

test('a line that may wait waits for another, and one that may not takes it along', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'line-writer-'))
  try {
    const file = join(directory, 'log')
    const writer = createLineWriter(openSync(file, 'w'))
    writer.write('a client\n', true)
    await new Promise((resolve) => setImmediate(resolve))
    expect(readFileSync(file, 'utf8')).toBe('')
    writer.write('the server\n')
    writer.write('another client\n', true)
    await eventually(() => expect(readFileSync(file, 'utf8')).toBe('a client\nthe server\nanother client\n'))
    writer.write('the last client\n', true)
    await eventually(() => expect(readFileSync(file, 'utf8')).toMatch(/the last client\n$/))
  } finally {
    await rm(directory, { recursive: true })
  }
})

test('a flush with nothing to write is done at once', async () => {
  expect(await createLineWriter(2).flush(1)).toBe(true)
})

test('a reader that stalls holds up nobody, costs bounded memory, and its lines are counted as dropped', async () => {
  const code = `
    import { createLineWriter } from '${repository}/sidecar/control/line-writer.ts'
    const writer = createLineWriter(2)
    const line = 'x'.repeat(999) + '\\n'
    for (let i = 0; i < 20000; i++) {
      writer.write(line)
      if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    console.log(JSON.stringify({ dropped: writer.dropped, flushed: await writer.flush(50) }))
    process.kill(process.pid, 'SIGKILL')
  `
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', code], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  await once(child, 'exit')
  const { dropped, flushed } = JSON.parse(out)
  expect(flushed).toBe(false)
  // Of 20,000 lines 8,388 may wait, however many of them a busy machine has handed to the thread that writes. The system takes a few.
  expect(dropped).toBeGreaterThan(10_600)
  expect(dropped).toBeLessThan(11_613)
})

test('a reader that is gone does not harm', async () => {
  const writer = createLineWriter(9999)
  writer.write('nobody reads this\n')
  expect(await writer.flush(1000)).toBe(true)
})
