import { mkdtempSync } from 'node:fs'
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dump } from 'js-yaml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeChart } from '../support/chart-tools/describe-chart.ts'
import { chartTools, render } from '../support/chart-tools/helm.ts'
import { writeSchemas } from '../support/chart-tools/json-schemas.ts'
import { VALUE_SETS } from '../support/chart-tools/value-sets.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane/control-plane.ts'
import { runProgram } from '../support/control-plane/run-program.ts'
import { eventually } from '../support/eventually.ts'
import { repository } from '../support/runtime.ts'

const NAMESPACES = ['operators', 'shop', 'mail']

describeChart(
  'what the chart renders',
  () => {
    let plane: ControlPlane
    let schemas: string

    const conforms = (manifests: string) =>
      runProgram(
        [
          chartTools().kubeconform,
          ...['-strict', '-summary', '-schema-location'],
          join(schemas, '{{ .Group }}_{{ .ResourceKind }}_{{ .ResourceAPIVersion }}.json'),
        ],
        { input: manifests, env: {} },
      )
    const applied = (manifests: string) =>
      plane.admin.kubectl(['apply', '--dry-run=server', '--warnings-as-errors', '-f', '-'], { input: manifests })

    beforeAll(async () => {
      schemas = mkdtempSync(join(tmpdir(), 'socketserver-schemas-'))
      plane = await startControlPlane()
      // The definitions are larger than the annotation that a client-side apply leaves.
      const made = await plane.admin.kubectl(['create', '-f', chartTools().monitoringDefinitions])
      expect(made.stderr).toBe('')
      for (const name of NAMESPACES) {
        const labels = Object.fromEntries(
          ['enforce', 'warn'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']),
        )
        await plane.admin.request('/api/v1/namespaces', {
          body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
        })
      }
      await eventually(
        async () => {
          const { status } = await plane.admin.request('/apis/monitoring.coreos.com/v1/prometheusrules')
          expect(status).toBe(200)
        },
        { withinMs: 60_000, everyMs: 200 },
      )
      expect(await writeSchemas(plane, ['ServiceMonitor', 'PodMonitor', 'PrometheusRule'], schemas)).toBeGreaterThan(50)
      const own = join(repository, 'crds', 'socketserver.schema.json')
      await copyFile(own, join(schemas, 'icshosts.io_socketserver_v1alpha1.json'))
    })
    afterAll(async () => {
      await plane?.[Symbol.asyncDispose]()
      await rm(schemas, { recursive: true, force: true })
    })

    test.each(Object.entries(VALUE_SETS))('is what kubeconform and an API server take: %s', async (_name, values) => {
      const objects = await render(values)
      const manifests = objects.map((object) => `---\n${dump(object, { noRefs: true })}`).join('')
      const judged = await conforms(manifests)
      expect(judged.stdout).toMatch(
        new RegExp(`Summary: ${objects.length} resources? found.* Valid: ${objects.length},`),
      )
      expect(judged.code, judged.stdout).toBe(0)
      const taken = await applied(manifests)
      expect(taken.stderr).toBe('')
      expect(taken.stdout.trim().split('\n')).toHaveLength(objects.length)
    })

    test('the example of the notes is a SocketServer', async () => {
      const notes = await readFile(join(repository, 'charts/socketserver/templates/NOTES.txt'), 'utf8')
      const [, example = ''] = /<<'YAML'\n([\s\S]*?)\n {2}YAML/.exec(notes) ?? []
      const judged = await conforms(example.replaceAll(/^ {2}/gm, ''))
      expect(judged.stdout).toContain('Valid: 1, Invalid: 0')
    })

    test('is found wrong when it is', async () => {
      const [first] = await render()
      const wrong = dump({ ...first, speck: 1 })
      await writeFile(join(schemas, 'wrong.yaml'), wrong)
      expect((await conforms(wrong)).stdout).toMatch(/speck[\s\S]*Invalid: 1/)
      expect((await applied(wrong)).stderr).toContain('speck')
    })
  },
  { controlPlane: true },
)
