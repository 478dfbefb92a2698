import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonLine, prettyLine, printable } from '../../../../sidecar/control/log-line.ts'

const TIME = '2026-11-24T12:34:56.789Z'
// biome-ignore lint/suspicious/noControlCharactersInRegex: no control character may be in a line
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/

describe('jsonLine()', () => {
  test('is one object with time, level, message and the fields, and leaves out what is undefined', () => {
    const line = jsonLine(TIME, 'info', 'client closed', { listener: 'tls', receivedBytes: 3, host: undefined })
    expect(line.endsWith('\n')).toBe(true)
    expect(JSON.parse(line)).toEqual({
      time: TIME,
      level: 'info',
      message: 'client closed',
      listener: 'tls',
      receivedBytes: 3,
    })
  })

  test('writes an error as its message, a bigint as digits, and survives a circle', () => {
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    expect(JSON.parse(jsonLine(TIME, 'error', 'x', { error: new Error('broken'), big: 10n }))).toMatchObject({
      error: 'broken',
      big: '10',
    })
    expect(() => jsonLine(TIME, 'error', 'x', { circle })).not.toThrow()
  })

  test('is exactly one line that parses to what was given, whatever a client sends', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const line = jsonLine(TIME, 'info', 'client closed', { serverName: text })
        expect(line.slice(0, -1)).not.toMatch(CONTROL)
        expect(JSON.parse(line)).toMatchObject({ serverName: text })
      }),
    )
  })
})

describe('prettyLine()', () => {
  test('shows clock time, level, message and the fields that are set', () => {
    const fields = { listener: 'tls', detail: 'two words', host: undefined, backend: '', resumed: false, n: 0 }
    expect(prettyLine(TIME, 'warn', 'client closed', fields)).toBe(
      '12:34:56.789 warn  client closed listener=tls detail="two words" resumed=false n=0\n',
    )
  })

  test('cannot be forged by what a client sends', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const line = prettyLine(TIME, 'info', 'client closed', { serverName: text, list: [text] })
        expect(line.slice(0, -1)).not.toMatch(CONTROL)
      }),
    )
    expect(prettyLine(TIME, 'info', 'm', { name: 'a reason=Completed' })).toContain('name="a reason=Completed"')
  })
})

test('printable() shows what would steer a terminal', () => {
  expect(printable('a\u001b[2Jb\r\nc\u202ed')).toBe('a\\u001b[2Jb\\u000d\\u000ac\\u202ed')
})
