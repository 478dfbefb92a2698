import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { configHash } from '../../../crds/index.ts'
import { parseObject } from '../../../crds/parse.ts'
import { readReport } from '../../../operator/reconcile/read-report.ts'
import { AuditTail, callsEach, callsOf, kindOfCall, writesOf } from '../../bench/operator/audit-tail.ts'
import { addressOf, statusBody } from '../../bench/operator/engines.ts'
import { readinessOf } from '../../bench/operator/fleet.ts'
import { Lanes } from '../../bench/operator/lanes.ts'
import { cpuOfChange } from '../../bench/operator/measure-operator.ts'
import { judged, MEASURES, type OperatorRun } from '../../bench/operator/measures.ts'
import { OPERATOR_ENVIRONMENT } from '../../bench/operator/operator-in-pod.ts'
import { renderOperatorTable } from '../../bench/operator/operator-table.ts'
import { parseOperatorOptions } from '../../bench/operator/options.ts'
import { sampleSpec } from '../../bench/operator/sample-server.ts'
import { Watchdog } from '../../bench/operator/watchdog.ts'
import { OptionError } from '../../bench/options.ts'
import { createTemporaryDirectory } from '../../support/control-plane/temporary-directory.ts'
import { repository } from '../../support/runtime.ts'

const runOf = (count: number, values: Partial<OperatorRun['values']>): OperatorRun => ({
  count,
  values: { ...(Object.fromEntries(MEASURES.map(({ id }) => [id, undefined])) as OperatorRun['values']), ...values },
  callsNew: { 'patch services': 1, 'create events': 2 },
  callsChanged: {},
})

describe("the options of the operator's bench", () => {
  test('are 1,000 and 10,000 SocketServers by default', () => {
    expect(parseOperatorOptions([], '/out')).toEqual({
      counts: [1_000, 10_000],
      output: 'text',
      directory: '/out',
      profiles: undefined,
    })
    expect(parseOperatorOptions(['--help'], '/out')).toBeUndefined()
  })

  test('take any numbers, each once, the smallest first', () => {
    expect(parseOperatorOptions(['--count', '500, 20,500', '--profile', 'here'], '/out')).toMatchObject({
      counts: [20, 500],
      profiles: 'here',
    })
  })

  test.each([['--count', '0'], ['--count', '10,x'], ['--count', ''], ['--count', '1e3'], ['-o', 'xml'], ['--nothing']])(
    'are refused with the cure: %s %s',
    (...args) => {
      expect(() => parseOperatorOptions(args, '/out')).toThrow(OptionError)
    },
  )
})

describe('a figure', () => {
  const measureOf = (wanted: string) => MEASURES.find(({ id }) => id === wanted) ?? MEASURES[0]

  test('is held against its bound, which may depend on the number of SocketServers', () => {
    const memory = measureOf('memory')
    expect(judged(runOf(1_000, { memory: 151 }), memory)).toEqual({ value: 151, most: 150, isMet: false })
    expect(judged(runOf(10_000, { memory: 151 }), memory)).toEqual({ value: 151, most: 300, isMet: true })
    expect(judged(runOf(20_000, { memory: 151 }), memory)).toEqual({ value: 151, most: undefined, isMet: undefined })
    expect(judged(runOf(1_000, {}), memory).isMet).toBeUndefined()
  })

  test('stands in the table beside its bound', () => {
    const rows = renderOperatorTable([runOf(1_000, { cpuNew: 20.04, writesNew: 12.5, secondsNew: 3.21 })]).split('\n')
    const rowOf = (title: string) => rows.find((row) => row.includes(title))
    expect(rows[0]).toContain('1,000 SocketServers')
    expect(rowOf('CPU for a new')).toContain('20.0 (at most 20: NOT MET)')
    expect(rowOf('writes for a new')).toContain('12.50 (at most 12: NOT MET)')
    expect(rowOf('until all are Ready')).toMatch(/\| 3\.2 +\|/)
    expect(rowOf('memory at the end')).toMatch(/\| - +\|/)
    expect(rows).toContain('1,000, calls for a new one: create events 2.00, patch services 1.00')
  })
})

describe('the calls of the operator', () => {
  const event = (verb: string, resource: string, name: string, subresource?: string) =>
    `${JSON.stringify({ verb, objectRef: { resource, name, ...(subresource ? { subresource } : {}) } })}\n`

  test('are counted by what was asked, as the audit log grows', async () => {
    await using directory = await createTemporaryDirectory('socketserver-audit-')
    const file = join(directory.path, 'audit.log')
    const tail = new AuditTail(file)
    expect([...(await tail.counts('probe'))]).toEqual([])
    writeFileSync(file, event('get', 'services', 'a') + event('patch', 'services', 'a'))
    const first = await tail.counts('probe')
    expect(Object.fromEntries(first)).toEqual({ 'get services': 1, 'patch services': 1 })
    expect([callsOf(first), writesOf(first)]).toEqual([2, 1])
    appendFileSync(file, event('patch', 'socketservers', 'a', 'status').repeat(3) + event('patch', 'pods', 'probe-1'))
    const second = await tail.counts('probe')
    expect(callsEach(second, 2)).toEqual({ 'patch socketservers/status': 1.5 })
  })

  test('are those for SocketServers: leases, lists and watches are not among them', () => {
    expect(kindOfCall({ verb: 'create', objectRef: { resource: 'events' } })).toBe('create events')
    expect(kindOfCall({ verb: 'update', objectRef: { resource: 'leases' } })).toBeUndefined()
    expect(kindOfCall({ verb: 'watch', objectRef: { resource: 'pods' } })).toBeUndefined()
    expect(kindOfCall({ verb: 'list', objectRef: { resource: 'pods' } })).toBeUndefined()
    expect(kindOfCall({ verb: 'get' })).toBeUndefined()
  })
})

describe('the pods of the bench', () => {
  const manifest = {
    apiVersion: 'icshosts.io/v1alpha1',
    kind: 'SocketServer',
    metadata: { name: 'edge-1', namespace: 'bench', generation: 2 },
    spec: sampleSpec('hello\r\n'),
  }

  test('tell what the operator reads as the state of an engine', () => {
    const parsed = parseObject(manifest)
    expect(parsed).toMatchObject({ ok: true })
    if (!parsed.ok) return
    const report = readReport(JSON.parse(statusBody(manifest)), 'edge-1', 'bench')
    expect(report).toMatchObject({ configHash: configHash(parsed.value), ready: true, unresolved: [] })
    expect(report.listeners.map(({ name, state }) => `${name} ${state}`)).toEqual(['https Listening', 'http Listening'])
    expect(report.icsHosts.map(({ hostTag }) => hostTag)).toEqual(['shop'])
  })

  test('do not serve what is no manifest', () => {
    expect(() => statusBody({ ...manifest, spec: {} })).toThrow('cannot be served')
  })

  test('have each an address of the loopback network', () => {
    const numbers = [...Array.from({ length: 1_000 }, (_, at) => at), 62_499, 62_500, 99_999]
    const addresses = numbers.map(addressOf)
    expect(new Set(addresses).size).toBe(numbers.length)
    for (const address of addresses)
      expect(address).toMatch(/^127\.(1[6-9])\.([1-9]\d?|1\d\d|2[0-4]\d|250)\.([1-9]\d?|1\d\d|2[0-4]\d|250)$/)
  })
})

test('looks that no change called for are no part of what a change costs, and only as many as there were', () => {
  const quiet = { looks: 500, cpuSeconds: 0.5 }
  expect(cpuOfChange({ looks: 0, cpuSeconds: 5 }, quiet, 1_000)).toBeCloseTo(0.005, 6)
  expect(cpuOfChange({ looks: 1_500, cpuSeconds: 5 }, quiet, 1_000)).toBeCloseTo(0.0035, 6)
  expect(cpuOfChange({ looks: 3, cpuSeconds: 5 }, { looks: 0, cpuSeconds: 0.1 }, 1_000)).toBeCloseTo(0.005, 6)
})

test('the operator of the bench has the options of Node that the chart gives it', () => {
  const chart = readFileSync(join(repository, 'charts/socketserver/templates/deployment.yaml'), 'utf8')
  for (const [name, value] of Object.entries(OPERATOR_ENVIRONMENT))
    expect(new RegExp(`- \\{ name: ${name}, value: "?(.*?)"? \\}`).exec(chart)?.[1]).toBe(value)
})

test('a SocketServer counts as ready when the condition is of its present generation', () => {
  const server = (generation: number, status: object) => ({ metadata: { name: 'edge', generation }, status })
  const ready = { type: 'Ready', status: 'True', observedGeneration: 2, message: 'all is served' }
  expect(readinessOf(server(2, { conditions: [ready] }))).toMatchObject({ generation: 2, isReady: true })
  expect(readinessOf(server(3, { conditions: [ready] }))).toMatchObject({ generation: 3, isReady: false })
  expect(readinessOf(server(2, { conditions: [{ ...ready, status: 'False' }] })).isReady).toBe(false)
  expect(readinessOf({ metadata: { name: 'edge', generation: 1 } }).isReady).toBe(false)
})

test('lanes do a bounded number of works at a time, and go on after one that failed', async () => {
  const lanes = new Lanes(2)
  const begun: number[] = []
  const ends: (() => void)[] = []
  const works = [0, 1, 2, 3].map((at) =>
    lanes.run(async () => {
      begun.push(at)
      await new Promise<void>((resolve) => ends.push(resolve))
      if (at === 0) throw new Error('it broke')
      return at
    }),
  )
  expect(begun).toEqual([0, 1])
  ends[0]?.()
  await expect(works[0]).rejects.toThrow('it broke')
  expect(begun).toEqual([0, 1, 2])
  ends[1]?.()
  expect(await works[1]).toBe(1)
  expect(begun).toEqual([0, 1, 2, 3])
  for (const end of ends) end()
  expect(await Promise.all(works.slice(2))).toEqual([2, 3])
})

test('waiting ends with the cause of trouble', async () => {
  const stop = new AbortController()
  using dog = new Watchdog(stop.signal)
  expect(await dog.until(Promise.resolve('done'))).toBe('done')
  const never = dog.until(new Promise(() => {}))
  dog.fail(new Error('a pod broke'))
  await expect(never).rejects.toThrow('a pod broke')
  await expect(dog.until(Promise.resolve('done'))).rejects.toThrow('a pod broke')
  using other = new Watchdog(stop.signal)
  const interrupted = other.until(new Promise(() => {}))
  stop.abort(new Error('interrupted'))
  await expect(interrupted).rejects.toThrow('interrupted')
})
