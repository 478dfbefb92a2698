import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { SECURITY_LEVELS } from '../../../../crds/index.ts'
import { optionsOf } from '../../../../sidecar/cli/command.ts'
import { COMMANDS } from '../../../../sidecar/cli/commands.ts'
import { Counts } from '../../../../sidecar/control/admin/counts.ts'
import { createMetrics } from '../../../../sidecar/control/admin/metrics.ts'
import { clientFields } from '../../../../sidecar/control/client-line.ts'
import { CLOSE_REASONS } from '../../../../sidecar/engine/close-reason.ts'
import { BUN_TABLE } from '../../../support/bun-table.ts'
import { repository } from '../../../support/runtime.ts'

const path = join(repository, 'README.md')
const readme = readFileSync(path, 'utf8')

/** Compares the rows of the table below a heading; `UPDATE_README=1` writes them instead. */
const expectTable = (heading: string, rows: readonly string[]): void => {
  const table = new RegExp(`(### ${heading}\n[\\s\\S]*?\n\\|---[^\n]*\n)((?:\\|.*\n)*)`)
  if (process.env['UPDATE_README'] === '1') {
    const updated = readFileSync(path, 'utf8').replace(table, (_all, head: string) => `${head}${rows.join('\n')}\n`)
    writeFileSync(path, updated)
    return
  }
  expect(table.exec(readme)?.[2]?.trimEnd().split('\n')).toEqual(rows)
}

describe('the README', () => {
  test('has every close reason with its meaning, and no other', () => {
    const rows = Object.entries(CLOSE_REASONS).map(([reason, meaning]) => `| \`${reason}\` | ${meaning} |`)
    expectTable('Close reasons', rows)
  })

  test('has every metric with its meaning, and no other', async () => {
    const registry = createMetrics({
      counts: new Counts(),
      view: {
        listenStates: () => [],
        hosts: () => [],
        backends: () => [],
        clientCount: 0,
        liveTraffic: () => [],
        unresolved: () => [],
      },
      identity: () => ({ name: '', namespace: '', generation: 0, configHash: '' }),
      version: '',
      isReady: () => true,
      isCurrent: () => true,
      droppedLines: () => 0,
      eventLoop: () => ({ buckets: [], sum: 0, count: 0 }),
    })
    const labels = new Map(
      registry
        .getMetricsAsArray()
        .map((metric) => [metric.name, (metric as { labelNames?: string[] }).labelNames ?? []]),
    )
    const metrics = (await registry.getMetricsAsJSON()).map(({ name, type, help }) => {
      const names = (labels.get(name) ?? []).map((label) => `\`${label}\``).join(', ')
      return { name, row: `| \`${name}\` | ${type} | ${names} | ${help} |` }
    })
    const isOfRuntime = (name: string) => /^socketserver_(process|nodejs)_/.test(name)
    expectTable(
      'Metrics',
      metrics.filter(({ name }) => !isOfRuntime(name)).map(({ row }) => row),
    )
    expectTable(
      'Metrics of the process and the runtime',
      metrics.filter(({ name }) => isOfRuntime(name)).map(({ row }) => row),
    )
  })

  test('has every option of every command', () => {
    for (const command of COMMANDS) {
      expect(readme).toMatch(new RegExp(`^\\| \`${command.name}[ \`]`, 'm'))
      for (const name of Object.keys(optionsOf(command))) expect(readme).toContain(`--${name}`)
    }
  })

  test('has every security level', () => {
    for (const level of SECURITY_LEVELS) expect(readme).toMatch(new RegExp(`^\\| \`${level}\``, 'm'))
  })

  test('has every field of the line of a connection', () => {
    const tls = { version: '', cipher: '', group: '', resumed: false, peerCertificate: undefined }
    const fields = clientFields({
      ...{ clientId: '', listener: '', hostTag: '', peerAddress: '', peerPort: 0, localAddress: '', localPort: 0 },
      ...{ serverName: '', alpnProtocol: '', tls, backend: '', receivedBytes: 0, sentBytes: 0, durationMs: 0 },
      ...{ reason: 'Completed', detail: '' },
    })
    const [, section = ''] = readme.split('### Log')
    for (const name of Object.keys(fields)) expect(section.split('###')[0]).toContain(`\`${name}\``)
  })

  test('tells of every wire test that Bun is excused from', () => {
    for (const { reason } of BUN_TABLE) expect(readme).toContain(reason)
  })
})
