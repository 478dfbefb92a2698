import type { IcsHostStatus, ListenerStatus, UnresolvedRef } from '../../../crds/index.ts'
import type { Identity } from '../identity.ts'
import type { ServerView } from '../server-view.ts'

/** The body of `/status`: public facts only. `listeners` and `icsHosts` have the shape they have in the resource's status. */
export interface StatusReport extends Identity {
  readonly ready: boolean
  /** Why the manifest on disk is not in service; empty while it is. */
  readonly configurationError: string
  /** Value of the annotation `icshosts.io/recheck` by which the certificates were last checked; empty without one. */
  readonly recheck: string
  readonly clients: number
  readonly listeners: readonly ListenerStatus[]
  readonly icsHosts: readonly IcsHostStatus[]
  readonly unresolved: readonly UnresolvedRef[]
}

/** Names what is told instead of leaving out what is not: a field added elsewhere, a key say, never gets here by itself. */
const publicFacts = (host: IcsHostStatus): IcsHostStatus => ({
  hostTag: host.hostTag,
  grade: host.grade,
  messages: [...host.messages],
  certificates: host.certificates.map((one) => ({
    secretName: one.secretName,
    subject: one.subject,
    names: [...one.names],
    issuer: one.issuer,
    serialNumber: one.serialNumber,
    sha256: one.sha256,
    keyType: one.keyType,
    notBefore: one.notBefore,
    notAfter: one.notAfter,
    grade: one.grade,
    lastKnownGood: one.lastKnownGood,
  })),
})

/** Tells what runs, as the operator and `socketserver states` read it. */
export const reportStatus = (
  identity: Identity,
  ready: boolean,
  view: ServerView,
  { configurationError = '', recheck = '' } = {},
): StatusReport => ({
  name: identity.name,
  namespace: identity.namespace,
  generation: identity.generation,
  configHash: identity.configHash,
  ready,
  configurationError,
  recheck,
  clients: view.clientCount,
  listeners: view.listenStates().map((one) => ({
    name: one.name,
    state: one.state,
    address: one.address,
    port: one.port,
    readyPods: one.state === 'Listening' ? 1 : 0,
    clients: one.clients,
    error: one.error,
  })),
  icsHosts: view.hosts().map(publicFacts),
  unresolved: view.unresolved().map(({ kind, name, message }) => ({ kind, name, message })),
})
