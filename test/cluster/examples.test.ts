import { readdirSync, readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseSocketServer } from '../../crds/index.ts'
import { findingsOf, isSameRule, LEFT_TO_ACCEPTED } from '../support/cluster/refusal.ts'
import { dryRun, installDefinition } from '../support/cluster/socket-server-api.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane/control-plane.ts'
import { describeCluster } from '../support/control-plane/describe-cluster.ts'
import { repository } from '../support/runtime.ts'

interface Manifest {
  readonly spec: unknown
}

/** The examples of a folder. */
const examples = (folder: string) =>
  readdirSync(`${repository}/${folder}`)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => ({ path: `${folder}/${file}`, text: readFileSync(`${repository}/${folder}/${file}`, 'utf8') }))

const refused = examples('crds/examples/invalid').map(({ path, text }) => ({
  rule: /([^/]+)\.yaml$/.exec(path)?.[1] ?? '',
  manifest: load(text) as Manifest,
}))

describeCluster('zod and the API server', () => {
  let plane: ControlPlane

  beforeAll(async () => {
    plane = await startControlPlane()
    await installDefinition(plane.admin)
  })
  afterAll(() => plane?.[Symbol.asyncDispose]())

  test.each([...examples('crds/examples/valid'), ...examples('examples')])(
    'accept $path, and fill in the same defaults',
    async ({ path, text }) => {
      const ours = parseSocketServer(text)
      expect(ours.ok ? [] : ours.problems).toEqual([])
      const namespace = ours.ok ? ours.value.metadata.namespace : undefined
      if (namespace !== undefined) await plane.admin.kubectl(['create', 'namespace', namespace])
      // By kubectl, which reads YAML in its own way.
      const theirs = await plane.admin.kubectl(['create', '--dry-run=server', '-o', 'json', '-f', path])
      expect(theirs).toMatchObject({ code: 0, stderr: '' })
      expect((JSON.parse(theirs.stdout) as Manifest).spec).toEqual(ours.ok && ours.value.spec)
    },
  )

  test.each(refused)('refuse what breaks the rule $rule, for that rule', async ({ rule, manifest }) => {
    const ours = parseSocketServer(manifest)
    expect(ours.ok ? [] : ours.problems.map((problem) => problem.rule)).toEqual([rule])
    const answer = await dryRun(plane.admin, manifest)
    const findings = findingsOf(answer)
    if (LEFT_TO_ACCEPTED.has(rule)) {
      // That it is accepted shows that the contract tells the truth about what it leaves.
      expect(findings).toEqual([])
      return
    }
    expect(findings.map((finding) => finding.rule)).toContainEqual(
      expect.toSatisfy((id: string) => isSameRule(rule, id)),
    )
    // Several patterns of one text may fail at once; else the one finding is all.
    expect(new Set(findings.map(({ field }) => field)).size).toBe(1)
  })

  test('tell what is wrong, where, the value and the cure', async () => {
    for (const { manifest } of refused) {
      for (const { rule, message, field } of findingsOf(await dryRun(plane.admin, manifest))) {
        if (!message.endsWith(`[${rule}]`)) continue
        expect(message, message).toMatch(/^.{10,}: .{5,} \[[a-z0-9-]+\]$/s)
        expect(field).toMatch(/^spec\./)
      }
    }
  })
})
