import { expect } from 'vitest'
import { type ControlPlane, startControlPlane } from '../control-plane/control-plane.ts'
import { runProgram } from '../control-plane/run-program.ts'
import { eventually } from '../eventually.ts'
import { repository } from '../runtime.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { createPlace, grantOperatorRole, installContract, type Place } from './fixture.ts'
import { type OperatorProcess, startOperator } from './operator-process.ts'

/** An operator that reaches its API server through a proxy that makes faults; there are no controllers, and no pods. */
export interface ProxiedStage extends AsyncDisposable {
  readonly plane: ControlPlane
  readonly place: Place
  readonly proxy: FaultProxy
  readonly operator: OperatorProcess
  /** Waits until the ConfigMap of a SocketServer has that banner: a change has arrived. */
  banner(name: string, banner: string, withinMs?: number): Promise<void>
  /** Whether the operator looks after the SocketServer, as its metrics tell. */
  knows(name: string): Promise<boolean>
}

/** Starts all of it; the operator has its own generated role and no other right. */
export async function startStageBehindProxy(): Promise<ProxiedStage> {
  await using stack = new AsyncDisposableStack()
  const plane = stack.use(await startControlPlane())
  await installContract(plane)
  const place = await createPlace(plane.admin, 'shop')
  const robot = await plane.serviceAccount('default', 'operator')
  const { stdout } = await runProgram([process.execPath, `${repository}/operator/main.ts`, 'role'], { env: {} })
  await grantOperatorRole(plane, robot.user, stdout)
  if (!('token' in robot.credentials)) throw new Error('a service account has a token')
  const proxy = stack.use(await startFaultProxy(plane, robot.credentials.token))
  const operator = stack.use(await startOperator(proxy.kubeconfig))
  const all = stack.move()
  return {
    ...{ plane, place, proxy, operator },
    async banner(name, banner, withinMs = 30_000) {
      await eventually(
        async () => {
          const { data } = await place.get('ConfigMap', `${name}-ics`)
          const { spec } = JSON.parse(data?.['socketserver.json'] ?? '{}') as { spec?: { banner?: string } }
          expect(spec?.banner, `the configuration of ${name}`).toBe(banner)
        },
        { withinMs, everyMs: 50 },
      )
    },
    knows: async (name) => (await operator.metrics()).text.includes(`name="${name}"`),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}
