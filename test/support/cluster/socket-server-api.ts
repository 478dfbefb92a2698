import { expect } from 'vitest'
import type { ApiAnswer, Identity } from '../control-plane/identity.ts'
import { eventually } from '../eventually.ts'

/** Path of the SocketServers of a namespace. */
export const socketServersPath = (namespace = 'default') =>
  `/apis/icshosts.io/v1alpha1/namespaces/${namespace}/socketservers`

/** Asks the API server to create a resource and to forget it again, refusing unknown fields as kubectl does. */
export const dryRun = (identity: Identity, manifest: unknown): Promise<ApiAnswer> =>
  identity.request(`${socketServersPath()}?dryRun=All&fieldValidation=Strict`, { body: manifest })

const DEFINITION = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/socketservers.icshosts.io'

/** What the API server says of the definition. */
export interface Definition {
  readonly metadata: { readonly generation: number; readonly resourceVersion: string }
  readonly spec: { readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: object } }[] }
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message: string }[]
  }
}

/** The definition as the API server has it. */
export async function readDefinition(identity: Identity): Promise<Definition> {
  const { status, body } = await identity.request(DEFINITION)
  expect(status).toBe(200)
  return body as Definition
}

/** Installs the definition as a person does, with nothing but `kubectl apply -f crds/`, and waits until resources can be made. */
export async function installDefinition(identity: Identity): Promise<void> {
  expect(await identity.kubectl(['apply', '-f', 'crds/'])).toMatchObject({ code: 0, stderr: '' })
  await whenServed(identity)
}

/** Resolves when the API server serves SocketServers. */
export async function whenServed(identity: Identity): Promise<void> {
  const waited = await identity.kubectl([
    'wait',
    '--for=condition=Established',
    'crd/socketservers.icshosts.io',
    '--timeout=60s',
  ])
  expect(waited).toMatchObject({ code: 0 })
  await eventually(async () => expect((await identity.request(socketServersPath())).status).toBe(200), {
    withinMs: 30_000,
    everyMs: 50,
  })
}
