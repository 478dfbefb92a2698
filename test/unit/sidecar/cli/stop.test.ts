import { describe, expect, test } from 'vitest'
import { createStop } from '../../../../sidecar/cli/stop.ts'
import type { Signal, Terminal } from '../../../../sidecar/cli/terminal.ts'

function signalled() {
  const listeners: ((signal: Signal) => void)[] = []
  const stop = createStop(
    { onSignal: (listener: (signal: Signal) => void) => listeners.push(listener) } as unknown as Terminal,
    {
      now: () => 0,
    },
  )
  return { stop, send: (signal: Signal) => listeners.map((listener) => listener(signal)) }
}

describe('SIGHUP', () => {
  test('asks for a recheck each time, and for no end', () => {
    const { stop, send } = signalled()
    let rechecks = 0
    stop.onRecheck(() => {
      rechecks += 1
    })
    expect(rechecks).toBe(0)
    send('SIGHUP')
    send('SIGHUP')
    expect(rechecks).toBe(2)
    expect(stop.signal()).toBeUndefined()
  })

  test('that comes while the server starts is kept until somebody listens', () => {
    const { stop, send } = signalled()
    send('SIGHUP')
    send('SIGHUP')
    let rechecks = 0
    stop.onRecheck(() => {
      rechecks += 1
    })
    expect(rechecks).toBe(1)
    send('SIGHUP')
    expect(rechecks).toBe(2)
  })
})
