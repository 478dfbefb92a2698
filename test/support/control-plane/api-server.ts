import { createPublicKey } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Authority, createKey, pemOf } from '../certificates.ts'
import { freePort } from '../ports.ts'
import type { ControlPlaneNetwork } from './network.ts'
import { type ProgramProcess, startProgram } from './program-process.ts'

/** An API server; it can be stopped and started again on the same port, with the same keys. */
export interface ApiServer {
  readonly url: string
  /** Where the private key lies that signs the tokens of service accounts. */
  readonly signingKey: string
  /** Where the audit log is written, one JSON document a line. */
  readonly auditLog: string
  /** Starts it and waits until `ready` does not throw. */
  start(ready: () => Promise<unknown>): Promise<void>
  stop(): Promise<void>
  kill(): Promise<void>
}

/** What an API server is started with. */
export interface ApiServerOptions {
  readonly program: string
  readonly directory: string
  readonly authority: Authority
  readonly etcdUrl: string
  readonly network: ControlPlaneNetwork
  /** Without a controller manager no namespace has a service account, and pods would be refused for it. */
  readonly serviceAccounts: boolean
  /** An audit policy (`audit.k8s.io/v1`). */
  readonly auditPolicy: object | undefined
  readonly args: readonly string[]
}

/** An API server on a port of its own; not started yet. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { directory, authority, network } = options
  const certificates = join(directory, 'certificates')
  await mkdir(certificates, { recursive: true })
  const file = async (name: string, content: string) => {
    await writeFile(join(certificates, name), content, { mode: 0o600 })
    return join(certificates, name)
  }
  const port = await freePort()
  const url = `https://${network.address}:${port}`
  const auditLog = join(directory, 'audit.log')
  const { address, serviceAddress } = network
  const serving = authority.issue({
    commonName: 'kube-apiserver',
    names: ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'],
    ips: [address, ...(serviceAddress === undefined ? [] : [serviceAddress])],
  })
  const toKubelets = authority.issue({ commonName: 'admin', organizations: ['system:masters'], client: true })
  const signing = createKey()
  const signingKey = await file('service-accounts.key', signing.export({ type: 'sec1', format: 'pem' }).toString())
  const verifyingKey = createPublicKey(pemOf(signing)).export({ type: 'spki', format: 'pem' }).toString()
  const audit =
    options.auditPolicy === undefined
      ? []
      : [
          `--audit-policy-file=${await file('audit-policy.json', JSON.stringify(options.auditPolicy))}`,
          ...[`--audit-log-path=${auditLog}`, '--audit-log-mode=blocking'],
        ]
  const command = network.enter([
    options.program,
    ...[`--bind-address=${address}`, `--secure-port=${port}`, `--advertise-address=${address}`],
    // The loopback address is none that the Service `kubernetes` may have.
    ...(serviceAddress === undefined ? ['--endpoint-reconciler-type=none'] : []),
    ...[`--etcd-servers=${options.etcdUrl}`, `--service-cluster-ip-range=${network.serviceRange}`],
    `--tls-cert-file=${await file('server.crt', serving.certPem)}`,
    `--tls-private-key-file=${await file('server.key', serving.keyPem)}`,
    `--client-ca-file=${await file('ca.crt', authority.cert)}`,
    `--kubelet-client-certificate=${await file('kubelet-client.crt', toKubelets.certPem)}`,
    `--kubelet-client-key=${await file('kubelet-client.key', toKubelets.keyPem)}`,
    // Where nobody resolves the names of nodes, logs and proxies would not reach them.
    '--kubelet-preferred-address-types=InternalIP,Hostname',
    `--cert-dir=${certificates}`,
    '--authorization-mode=Node,RBAC',
    '--allow-privileged=true',
    ...[
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${await file('service-accounts.pub', verifyingKey)}`,
    ],
    `--service-account-signing-key-file=${signingKey}`,
    ...(options.serviceAccounts ? [] : ['--disable-admission-plugins=ServiceAccount']),
    ...audit,
    ...options.args,
  ])
  let running: ProgramProcess | undefined
  const end = async (how: 'stop' | 'kill') => {
    await running?.[how]()
    running = undefined
  }
  return {
    url,
    signingKey,
    auditLog,
    async start(ready) {
      const logFile = join(directory, 'kube-apiserver.log')
      running = await startProgram(command, { logFile, ready, readyWithinMs: 60_000 })
    },
    stop: () => end('stop'),
    kill: () => end('kill'),
  }
}
