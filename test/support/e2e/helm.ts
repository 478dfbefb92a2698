import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { findChartTools } from '../chart-tools/chart-tools.ts'
import { startChild } from '../child.ts'
import { repository } from '../runtime.ts'
import type { ProvidedCluster } from './provided-cluster.ts'

/** Where the suite installs the chart, and under which name: as the README does. */
export const RELEASE = { name: 'socketserver', namespace: 'socketserver' } as const

/** The chart of the sources. */
export const CHART = join(repository, 'charts', 'socketserver')

/** Runs helm on the cluster and resolves with its output. @throws with its output when it fails. */
export async function helm(cluster: Pick<ProvidedCluster, 'kubeconfig'>, args: readonly string[]): Promise<string> {
  const { helm: program } = await findChartTools()
  const home = await mkdtemp(join(tmpdir(), 'socketserver-helm-'))
  try {
    const child = await startChild([program, ...args], {
      env: { PATH: process.env['PATH'] ?? '', HOME: home, KUBECONFIG: cluster.kubeconfig },
    })
    const { stdin, stdout, stderr } = child.process
    if (stdin === null || stdout === null || stderr === null) throw new Error('a child without pipes')
    stdin.end()
    const [out, err, exit] = await Promise.all([text(stdout), text(stderr), child.exited])
    if (exit.code !== 0)
      throw new Error(`"helm ${args.join(' ')}" ended with ${exit.signal ?? exit.code}: ${err}${out}`)
    return out
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

/** Options that make the release use the image of the cluster. */
function imageOptions({ image }: Pick<ProvidedCluster, 'image'>): readonly string[] {
  const at = image.lastIndexOf(':')
  return ['--set', `image.repository=${image.slice(0, at)}`, '--set-string', `image.tag=${image.slice(at + 1)}`]
}

/** Installs the release, or brings it to these values and this chart, and waits until the operator is ready. */
export async function ensureOperator(
  cluster: Pick<ProvidedCluster, 'kubeconfig' | 'image'>,
  options: readonly string[] = [],
  chart: string = CHART,
): Promise<void> {
  const { name, namespace } = RELEASE
  const where = [name, chart, '--namespace', namespace, '--create-namespace']
  await helm(cluster, [
    'upgrade',
    '--install',
    ...where,
    ...imageOptions(cluster),
    ...options,
    '--wait',
    '--timeout=3m',
  ])
}
