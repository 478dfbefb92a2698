import { request } from 'node:https'
import { join } from 'node:path'
import { freePort } from '../ports.ts'
import type { ControlPlaneNetwork } from './network.ts'
import { type ProgramProcess, startProgram } from './program-process.ts'

/** Resolves when the health endpoint of a controller answers; its certificate is its own affair. */
function healthy(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, path: '/healthz', rejectUnauthorized: false }, (answer) => {
      answer.resume()
      if (answer.statusCode === 200) resolve()
      else reject(new Error(`/healthz answers ${answer.statusCode}`))
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** Starts `kube-controller-manager` or `kube-scheduler` and waits until it is healthy. */
export async function startController(
  program: string,
  name: 'kube-controller-manager' | 'kube-scheduler',
  options: {
    readonly directory: string
    readonly kubeconfig: string
    readonly network: ControlPlaneNetwork
    readonly args?: readonly string[]
  },
): Promise<ProgramProcess> {
  const { network } = options
  const port = await freePort()
  return startProgram(
    network.enter([
      program,
      ...[`--kubeconfig=${options.kubeconfig}`, '--leader-elect=false'],
      ...[`--authentication-kubeconfig=${options.kubeconfig}`, `--authorization-kubeconfig=${options.kubeconfig}`],
      ...[`--bind-address=${network.address}`, `--secure-port=${port}`],
      ...(options.args ?? []),
    ]),
    {
      logFile: join(options.directory, `${name}.log`),
      ready: () => healthy(network.address, port),
      readyWithinMs: 60_000,
    },
  )
}
