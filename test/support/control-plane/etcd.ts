import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../ports.ts'
import type { ControlPlaneNetwork } from './network.ts'
import { type ProgramProcess, startProgram } from './program-process.ts'

/** The store of a control plane; it can be killed, copied and started again on the same port. */
export interface Etcd {
  readonly url: string
  start(): Promise<void>
  /** Kills it. What was acknowledged is kept: the kernel has it, though the disk may not. */
  kill(): Promise<void>
  /** Copies what is stored to a directory; only while it does not run. */
  save(directory: string): Promise<void>
  /** Replaces what is stored by a copy; only while it does not run. */
  load(directory: string): Promise<void>
}

async function healthy(url: string): Promise<void> {
  const answer = await fetch(`${url}/health`)
  const { health } = (await answer.json()) as { health: string }
  if (health !== 'true') throw new Error(`its health is ${health}`)
}

/** An etcd that keeps its data below `directory`, on ports of its own; not started yet. */
export async function createEtcd(program: string, directory: string, network: ControlPlaneNetwork): Promise<Etcd> {
  const url = `http://${network.address}:${await freePort()}`
  const peerUrl = `http://${network.address}:${await freePort()}`
  const data = join(directory, 'etcd')
  let running: ProgramProcess | undefined
  return {
    url,
    async start() {
      running = await startProgram(
        network.enter([
          program,
          ...['--name=test', `--data-dir=${data}`, '--log-level=warn'],
          ...[`--listen-client-urls=${url}`, `--advertise-client-urls=${url}`],
          ...[`--listen-peer-urls=${peerUrl}`, `--initial-advertise-peer-urls=${peerUrl}`],
          `--initial-cluster=test=${peerUrl}`,
          // Nobody misses what is lost when the machine loses power.
          '--unsafe-no-fsync',
        ]),
        { logFile: join(directory, 'etcd.log'), ready: () => healthy(url), readyWithinMs: 30_000 },
      )
    },
    async kill() {
      await running?.kill()
      running = undefined
    },
    save: (to) => cp(data, to, { recursive: true }),
    async load(from) {
      await rm(data, { recursive: true, force: true })
      await cp(from, data, { recursive: true })
    },
  }
}
