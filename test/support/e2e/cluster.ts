import type { Agent } from 'node:https'
import { inject } from 'vitest'
import { kubeconfigCredentials } from '../../../operator/kube/credentials.ts'
import { createIdentity, type Identity } from '../control-plane/identity.ts'
import { createTemporaryDirectory } from '../control-plane/temporary-directory.ts'
import type { ProvidedCluster } from './provided-cluster.ts'

/** The cluster of the suite. */
export interface E2eCluster extends ProvidedCluster, AsyncDisposable {
  /** Whoever the kubeconfig names. */
  readonly admin: Identity
}

/** Reaches the cluster of the suite from a test. */
export async function useCluster(): Promise<E2eCluster> {
  const provided = inject('e2eCluster')
  const { server, tls, headers } = await kubeconfigCredentials(provided.kubeconfig)()
  const directory = await createTemporaryDirectory('socketserver-e2e-')
  const agents = new Set<Agent>()
  const { cert, key } = tls
  const token = headers['authorization']?.replace(/^Bearer /, '') ?? ''
  const admin = await createIdentity(
    { directory: directory.path, url: server, ca: tls.ca ?? '', kubectl: provided.kubectl },
    'admin',
    cert !== undefined && key !== undefined ? { certificate: cert, key } : { token },
    agents,
  )
  return {
    ...provided,
    admin,
    async [Symbol.asyncDispose]() {
      for (const agent of agents) agent.destroy()
      await directory[Symbol.asyncDispose]()
    },
  }
}
