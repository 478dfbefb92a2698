import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CONDITION_REASONS, EVENT_REASONS } from '../../../crds/index.ts'
import { OperatorMetrics } from '../../../operator/metrics.ts'
import { OPTION_TABLE } from '../../../operator/options.ts'
import { repository } from '../../support/runtime.ts'

const path = join(repository, 'README.md')

/** Compares the rows of the table below a heading; `UPDATE_README=1` writes them instead. */
const expectTable = (heading: string, rows: readonly string[]): void => {
  const readme = readFileSync(path, 'utf8')
  const table = new RegExp(`(### ${heading}\n[\\s\\S]*?\n\\|---[^\n]*\n)((?:\\|.*\n)*)`)
  if (process.env['UPDATE_README'] === '1') {
    writeFileSync(
      path,
      readme.replace(table, (_all, head: string) => `${head}${rows.join('\n')}\n`),
    )
    return
  }
  expect(table.exec(readme)?.[2]?.trimEnd().split('\n')).toEqual(rows)
}

test('the README has every option of the operator', () => {
  expectTable(
    'Options of the operator',
    Object.entries(OPTION_TABLE).map(([name, option]) => {
      const value = 'value' in option ? ` ${option.value}` : ''
      return `| \`--${name}${value}\` | ${option.help} |`
    }),
  )
})

test('the README has every condition with its reasons, and no other', () => {
  expectTable(
    'Conditions',
    Object.entries(CONDITION_REASONS).flatMap(([type, reasons]) =>
      Object.entries(reasons).map(([reason, meaning]) => `| \`${type}\` | \`${reason}\` | ${meaning} |`),
    ),
  )
})

test('the README has every reason of events, and no other', () => {
  expectTable(
    'Events',
    Object.entries(EVENT_REASONS).map(([reason, meaning]) => `| \`${reason}\` | ${meaning} |`),
  )
})

test('the README has every metric of the operator, and no other', async () => {
  const { registry } = new OperatorMetrics({
    clock: { now: () => 0 },
    version: '',
    workers: 1,
    lease: '',
    isLeader: () => false,
    queue: () => undefined,
  })
  const metrics = (await registry.getMetricsAsJSON()).filter(({ name }) => !/^(process|nodejs)_/.test(name))
  expectTable(
    'Metrics of the operator',
    metrics.map(({ name, type, help }) => `| \`${name}\` | ${type} | ${help} |`),
  )
})
