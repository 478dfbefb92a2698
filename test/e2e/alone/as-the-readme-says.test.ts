import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { findChartTools } from '../../support/chart-tools/chart-tools.ts'
import { type Child, startChild } from '../../support/child.ts'
import { type E2eCluster, useCluster } from '../../support/e2e/cluster.ts'
import { explainFailures } from '../../support/e2e/explain.ts'
import { helm, RELEASE } from '../../support/e2e/helm.ts'
import { readmeCommands } from '../../support/e2e/readme-commands.ts'
import { eventually } from '../../support/eventually.ts'
import { repository } from '../../support/runtime.ts'

/** The registry of the README; the cluster of the suite has the image under another name, or from nowhere. */
const REGISTRY = 'registry.example.com/socketserver'

let cluster: E2eCluster
let directory: string

explainFailures(
  () => cluster,
  () => 'default',
)
beforeAll(async () => {
  cluster = await useCluster()
  directory = await mkdtemp(join(tmpdir(), 'socketserver-readme-'))
  await symlink(join(repository, 'charts'), join(directory, 'charts'))
})
const removeHello = async () => {
  for (const what of ['socketserver/hello', 'secret/hello-tls'])
    await cluster.admin.kubectl(['delete', '-n', 'default', '--ignore-not-found', '--wait=false', what])
}
beforeEach(async () => {
  await removeHello()
  await helm(cluster, ['uninstall', RELEASE.name, '-n', RELEASE.namespace, '--ignore-not-found', '--wait'])
})
afterAll(async () => {
  await removeHello()
  await rm(directory, { recursive: true, force: true })
  await cluster[Symbol.asyncDispose]()
})

/** Starts commands in a directory that has the charts, with kubectl and helm in the path. */
async function start(commands: string): Promise<Child> {
  const tools = [dirname((await findChartTools()).helm), dirname(cluster.kubectl), process.env['PATH']]
  const repositoryOfImage = cluster.image.slice(0, cluster.image.lastIndexOf(':'))
  const script = commands.replaceAll(REGISTRY, repositoryOfImage)
  const env = { PATH: tools.join(delimiter), HOME: directory, KUBECONFIG: cluster.kubeconfig }
  return startChild(['bash', '--norc', '-euo', 'pipefail', '-c', script], { cwd: directory, env })
}

async function run(commands: string): Promise<string> {
  const child = await start(commands)
  const { stdin, stdout, stderr } = child.process
  if (stdin === null || stdout === null || stderr === null) throw new Error('a child without pipes')
  stdin.end()
  const [out, err, { code }] = await Promise.all([text(stdout), text(stderr), child.exited])
  expect(code, `${commands}\n${out}${err}`).toBe(0)
  return out
}

test('the commands of the README install the chart and serve TLS', async () => {
  const [install = '', serve = '', forward = '', ask = '', ...others] = readmeCommands('On a cluster')
  expect(others).toEqual([])
  expect(await run(install)).toMatch(/Phase: +Succeeded/)
  expect(await run(serve)).toContain('socketserver.icshosts.io/hello condition met')
  expect(forward).toMatch(/^kubectl port-forward .*\n$/)
  // The shell becomes kubectl, which is ended with it.
  const forwarding = await start(`exec ${forward}`)
  try {
    await eventually(async () => expect(await run(ask)).toBe('hello\n'), { withinMs: 60_000, everyMs: 500 })
  } finally {
    forwarding.process.kill('SIGKILL')
  }
})
