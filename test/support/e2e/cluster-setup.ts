import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { findChartTools } from '../chart-tools/chart-tools.ts'
import { findPrograms } from '../control-plane/find-programs.ts'
import { runProgram } from '../control-plane/run-program.ts'
import { createTemporaryDirectory } from '../control-plane/temporary-directory.ts'
import { startNode } from '../node/node.ts'
import { repository } from '../runtime.ts'
import { ensureOperator } from './helm.ts'
import { buildImage } from './image.ts'
import type { ProvidedCluster } from './provided-cluster.ts'
import { offerPlane } from './remote-plane.ts'

const tell = (line: string) => process.stderr.write(`e2e: ${line}\n`)

/** The image that pods are made of: that of this version, unless `E2E_IMAGE` names another. */
const imageName = (): string => {
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string }
  return process.env['E2E_IMAGE'] || `socketserver:${version}`
}

/** What a container runtime calls an image: a name without a registry is Docker's. */
const wholeName = (image: string): string => (image.includes('/') ? image : `docker.io/library/${image}`)

/** The first address of a node of somebody else's cluster, and the kubectl to use there. */
async function foreignCluster(kubeconfig: string): Promise<ProvidedCluster> {
  const { kubectl = 'kubectl' } = await findPrograms(['kubectl'], tell)
  const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', KUBECONFIG: kubeconfig }
  const path = 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}'
  const { code, stdout, stderr } = await runProgram([kubectl, 'get', 'nodes', '-o', path], { env })
  if (code !== 0) throw new Error(`KUBECONFIG is "${kubeconfig}", whose cluster does not answer: ${stderr.trim()}`)
  const [nodeAddress = ''] = stdout.split(' ')
  return { kubeconfig, kubectl, nodeAddress, image: imageName(), ownNode: undefined }
}

/**
 * Runs once before the suite. `KUBECONFIG` names a cluster that has the image `E2E_IMAGE`; without it a node is made of
 * this machine, and gets the image of the sources (or of the archive `E2E_IMAGE_ARCHIVE`). The operator is installed.
 *
 * @throws with the reason when there is no cluster.
 */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  // Built here, where it is shown how that goes and no test waits for it.
  await findChartTools(tell)
  const kubeconfig = process.env['KUBECONFIG']
  if (kubeconfig !== undefined && kubeconfig !== '') {
    const cluster = await foreignCluster(kubeconfig)
    await ensureOperator(cluster)
    project.provide('e2eCluster', cluster)
    return undefined
  }
  const stack = new AsyncDisposableStack()
  try {
    const { path } = stack.use(await createTemporaryDirectory('socketserver-e2e-'))
    const given = process.env['E2E_IMAGE_ARCHIVE']
    const archive = given || (await buildImage(join(path, 'image.tar'), tell))
    if (!existsSync(archive)) throw new Error(`E2E_IMAGE_ARCHIVE is "${archive}", which is not there`)
    const started = performance.now()
    const node = stack.use(await startNode())
    tell(`node ${node.name} is ready after ${((performance.now() - started) / 1_000).toFixed(1)} s`)
    await node.importImages(archive)
    const image = imageName()
    const otherImage = `${image}-other`
    await node.tagImage(wholeName(image), wholeName(otherImage))
    tell(`the image is there after ${((performance.now() - started) / 1_000).toFixed(1)} s`)
    const planeSocket = join(path, 'plane.sock')
    await offerPlane(node.plane, planeSocket)
    const cluster: ProvidedCluster = {
      kubeconfig: node.plane.admin.kubeconfig,
      kubectl: (await findPrograms(['kubectl'])).kubectl ?? 'kubectl',
      nodeAddress: node.networks.node,
      image,
      ownNode: {
        planeSocket,
        controlGroups: node.controlGroups,
        otherImage,
        hasIpv6: node.networks.ipv6 !== undefined,
        nodeName: node.name,
      },
    }
    await ensureOperator(cluster)
    tell(`the operator is ready after ${((performance.now() - started) / 1_000).toFixed(1)} s`)
    project.provide('e2eCluster', cluster)
    return () => stack.disposeAsync()
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}
