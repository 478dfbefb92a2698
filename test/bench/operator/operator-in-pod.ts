import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ControlPlane } from '../../support/control-plane/control-plane.ts'
import { buildDist } from '../../support/dist.ts'
import { type OperatorProcess, startOperator } from '../../support/operator/operator-process.ts'
import { repository } from '../../support/runtime.ts'

const NAMESPACE = 'default'
const NAME = 'socketserver-operator'

/** Who the operator of the bench is. */
export const OPERATOR_USER = `system:serviceaccount:${NAMESPACE}:${NAME}`

/**
 * What the chart gives Node: half of the young generation that it takes by itself costs no time and saves 40 MB; one arena of
 * memory for all threads instead of one for each saves 15 MB.
 */
export const OPERATOR_ENVIRONMENT = { NODE_OPTIONS: '--max-semi-space-size=8', MALLOC_ARENA_MAX: '1' } as const

/** Starts the operator as it runs in a pod: bundled, with the service account that is mounted there. */
export async function startOperatorInPod(
  plane: ControlPlane,
  stack: AsyncDisposableStack,
  nodeArgs: readonly string[],
): Promise<OperatorProcess> {
  const dist = stack.use(buildDist())
  const { credentials } = await plane.serviceAccount(NAMESPACE, NAME)
  const account = join(plane.directory, 'service-account')
  await mkdir(account)
  await writeFile(join(account, 'token'), 'token' in credentials ? credentials.token : '', { mode: 0o600 })
  await writeFile(join(account, 'ca.crt'), plane.ca)
  await writeFile(join(account, 'namespace'), NAMESPACE)
  const { hostname, port } = new URL(plane.url)
  const operator = await startOperator(undefined, {
    program: [dist.command[1], 'operator'],
    nodeArgs: ['--import', join(repository, 'test/support/operator/pod-files.js'), ...nodeArgs],
    env: {
      PATH: process.env['PATH'] ?? '',
      ...OPERATOR_ENVIRONMENT,
      ...{ KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port, TEST_SERVICE_ACCOUNT: account },
    },
  })
  // What it was asked to write when it ends, a profile, takes its time.
  stack.defer(async () => void (operator.ended() || (await operator.stop())))
  return operator
}
