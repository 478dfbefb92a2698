import type { ConditionType } from './status.ts'

/** Reasons of each condition, with what they mean. A closed list: programs may match on them, so none is renamed or reused. */
export const CONDITION_REASONS = {
  Accepted: {
    Accepted: 'the specification can be served',
    Invalid: 'the specification breaks rules of the contract; what ran before goes on',
    Unsupported: 'the specification uses fields or values that this operator does not know; what ran before goes on',
    TooLarge: 'the configuration does not fit into a ConfigMap; what ran before goes on',
  },
  ResolvedRefs: {
    Resolved: 'every Secret and CA that is named is there and usable',
    RefNotUsable:
      'a Secret or CA that is named is missing or cannot be used; the last good one is served where there was one',
    PodUnreadable: 'a ready pod does not tell its state',
    NoPods: 'no pod has told its state yet',
  },
  Programmed: {
    Programmed: 'every pod that is wanted is there and ready, and proves that it runs this generation',
    NotAccepted: 'this generation cannot be served; the pods go on with the last good one',
    Progressing: 'pods are being made, replaced or told',
    ScaledToZero: 'no pod is wanted',
    ConfigurationRefused: 'a pod cannot use the configuration and goes on with the one before',
    PodUnreadable: 'a ready pod does not tell its state',
    ImageUnavailable: 'the image of the engine cannot be pulled',
    Unschedulable: 'no node takes a pod',
    PodFailing: 'the container of a pod ends again and again, or cannot be made',
    PodsRefused: 'the cluster refuses to make pods, for another reason than a quota',
    QuotaExceeded: 'a quota of the namespace keeps pods or other objects from being made',
    NamespaceTerminating: 'the namespace is being deleted, so nothing can be made in it',
    ObjectRefused: 'the API server refuses an object of this SocketServer',
    ObjectTaken: 'another manager declares fields of an object of this SocketServer with other values',
    ObjectForeign: 'an object with the name that is needed belongs to somebody else',
  },
  ListenersReady: {
    Listening: 'every listener listens in every ready pod',
    ListenerFailed: 'a listener does not listen in every ready pod',
    PodUnreadable: 'a ready pod does not tell its state',
    NoPods: 'no pod has told its state yet',
  },
  CertificatesValid: {
    Valid: 'clients accept every served certificate, as far as can be told from here',
    CertificateInvalid: 'a served certificate is expired, not yet valid, mismatched or untrusted by its own chain',
    CertificateMissing: 'a host that ends TLS has no certificate, and refuses its clients',
    PodUnreadable: 'a ready pod does not tell its state',
    NoPods: 'no pod has told its state yet',
  },
  CertificatesRenewed: {
    Renewed: 'no served certificate ends within certExpireDays',
    CertificateExpiring: 'a served certificate ends within certExpireDays, or has ended',
    PodUnreadable: 'a ready pod does not tell its state',
    NoPods: 'no pod has told its state yet',
  },
  Ready: {
    Ready: 'Accepted, ResolvedRefs, Programmed, ListenersReady and CertificatesValid are True',
  },
} as const satisfies Record<ConditionType, Readonly<Record<string, string>>>

/** What the operator says of a resource beside conditions, as events; with what they mean. */
export const EVENT_REASONS = {
  Ready: 'the resource became ready',
  NotReady: 'the resource is not ready any more',
  Invalid: 'a generation cannot be served',
  ListenerFailed: 'a listener stopped listening',
  ListenerRecovered: 'a listener listens again',
  CertificateLoaded: 'a host serves another certificate',
  CertificateExpiring: 'a certificate came within certExpireDays of its end',
  CertificateExpired: 'a served certificate is past its end',
  CertificateInvalid: 'a served certificate is refused by clients for another reason',
  CertificateRefused: 'what lies in a Secret cannot be used; the last good certificate is served where there was one',
  CertificateRecovered: 'the certificates of a host are good again',
  ObjectRefused: 'the API server refuses an object, or somebody else has it',
} as const
