import { describe, expect, test } from 'vitest'
import { COLUMNS } from '../../bench/columns.ts'
import { CONTESTANTS } from '../../bench/contestants.ts'
import { median } from '../../bench/median.ts'
import { OptionError, parseOptions } from '../../bench/options.ts'
import { renderPicture } from '../../bench/picture.ts'
import { cpuSecondsOf } from '../../bench/server-cost.ts'
import { costRatio, summarize } from '../../bench/summary.ts'
import { renderTable } from '../../bench/table.ts'

const contestants = [
  { id: 'engine-node', title: 'SocketServer on Node', floor: 'bare-node' },
  { id: 'bare-node', title: 'bare <Node>' },
  { id: 'haproxy', title: 'HAProxy' },
]
const columns = [
  { id: 'full', title: 'CPU per handshake', unit: 'µs', digits: 0, isMoreBetter: false },
  { id: 'bytes', title: 'bytes per CPU-second', unit: 'GB', digits: 2, isMoreBetter: true },
]
const of = (contestant: string, column: string, ...values: (number | string)[]) =>
  values.map((value, at) => ({
    contestant,
    column,
    round: at + 1,
    value: typeof value === 'number' ? value : undefined,
    problem: typeof value === 'number' ? '' : value,
  }))
const summary = summarize(contestants, columns, [
  ...of('engine-node', 'full', 440, 450, 900),
  ...of('bare-node', 'full', 390, 400, 410),
  ...of('haproxy', 'full', 300, 310, 290),
  ...of('engine-node', 'bytes', 0.8),
  ...of('bare-node', 'bytes', 1),
  ...of('haproxy', 'bytes', 'it broke', 'it broke'),
])

describe('the summary of the bench', () => {
  test('takes the middle value', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([10, 1, 2, 3])).toBe(2.5)
    expect(median([])).toBeUndefined()
  })

  test('counts a ratio above 1 as dearer, whichever way the column counts', () => {
    expect(costRatio(200, 100, false)).toBe(2)
    expect(costRatio(0.5, 1, true)).toBe(2)
  })

  test('compares with the floor and with the best of the others', () => {
    const cell = summary.cells['engine-node']?.['full']
    expect(cell).toMatchObject({ median: 450, values: [440, 450, 900], toFloor: 1.125, toBest: 1.5 })
    expect(summary.cells['engine-node']?.['bytes']).toMatchObject({ toFloor: 1.25, toBest: undefined })
    expect(summary.cells['haproxy']?.['bytes']).toMatchObject({ median: undefined, problems: ['it broke'] })
  })
})

test('the table has a row for each contestant, its ratio, and what could not be measured', () => {
  expect(renderTable(summary).trim().split('\n')).toEqual([
    '|                      | CPU per handshake (µs) | bytes per CPU-second (GB) |',
    '|----------------------|------------------------|---------------------------|',
    '| SocketServer on Node | 450 (1.13)             | 0.80 (1.25)               |',
    '| bare <Node>          | 400                    | 1.00                      |',
    '| HAProxy              | 300                    | -                         |',
    '',
    'HAProxy, bytes per CPU-second: it broke',
  ])
})

test('the picture has a bar for each value, as long as its cost, and is well-formed', () => {
  const svg = renderPicture(summary)
  const widths = [...svg.matchAll(/<rect x="\d+" y="\d+" width="([\d.]+)"/g)].map(([, width]) => Number(width))
  expect(widths).toHaveLength(5)
  // 450 to 400 to 300, the cheapest being 1.
  expect((widths[0] as number) / (widths[2] as number)).toBeCloseTo(1.5, 2)
  expect((widths[3] as number) / (widths[4] as number)).toBeCloseTo(1.25, 2)
  expect(svg).toContain('bare &lt;Node&gt;')
  expect(svg.match(/<text/g)?.length).toBe(svg.match(/<\/text>/g)?.length)
})

test('CPU time is user and system time, whatever the process calls itself', () => {
  const fields = `S ${'0 '.repeat(10)}150 250 ${'0 '.repeat(20)}`
  expect(cpuSecondsOf(`42 (a) b (c)) ${fields}`)).toBe(4)
})

describe('the options of the bench', () => {
  test('choose contestants and columns, in the order of the table', () => {
    const options = parseOptions(['--only', 'haproxy,engine-node', '--columns', 'full', '--quick'], '/out')
    expect(options?.contestants.map(({ id }) => id)).toEqual(['engine-node', 'haproxy'])
    expect(options?.columns.map(({ id }) => id)).toEqual(['full'])
    expect(options).toMatchObject({ rounds: 1, scale: 0.1, output: 'text', directory: '/out' })
  })

  test('are everything, three rounds, by default', () => {
    expect(parseOptions([], '/out')).toMatchObject({
      rounds: 3,
      scale: 1,
      contestants: CONTESTANTS,
      columns: COLUMNS,
    })
    expect(parseOptions(['--help'], '/out')).toBeUndefined()
  })

  test.each([
    ['--rounds', '0'],
    ['--rounds', 'x'],
    ['--only', 'envoy'],
    ['--columns', 'x'],
    ['-o', 'xml'],
    ['--nothing'],
  ])('are refused with the cure: %s %s', (...args) => {
    expect(() => parseOptions(args, '/out')).toThrow(OptionError)
  })
})
