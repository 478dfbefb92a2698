import type { CertificateStatus, Grade } from '../../crds/index.ts'
import { worthOf } from './assess.ts'
import { gradeHost, gradeServed, isLastKnownGood, type SecretState } from './grade.ts'
import type { InService } from './in-service.ts'

/** One certificate in service: its public facts, and what the TLS library needs. */
export interface ServedCertificate extends CertificateStatus {
  /** Leaf, then issuers in order, without the root. */
  readonly certPem: string
  /** PKCS#8, without a passphrase. */
  readonly keyPem: string
}

/** The certificates of one host. */
export interface HostCertificates {
  readonly grade: Grade
  /** Each names Secret, entry, name and cure. */
  readonly messages: readonly string[]
  /** One per key type; empty when the host has none and must refuse its clients. */
  readonly certificates: readonly ServedCertificate[]
}

/** What is in service from one Secret. */
export interface SecretInService {
  /** Empty for a host that names no Secret. */
  readonly secretName: string
  readonly state: InService
  /** Remarks that are no fault of the certificate, for example that it is a throwaway one. */
  readonly remarks: readonly string[]
}

/** Room for names in the contract. */
const MAX_NAMES = 100
const MAX_NAME = 253
const MAX_DISTINGUISHED_NAME = 1024

const ORDER = { good: 0, flawed: 1, unusable: 2 } as const

function orderOf({ state }: SecretInService): number {
  return state.assessment ? ORDER[worthOf(state.assessment)] : 3
}

/** A TLS server shows one certificate per key type: the best, and of equals the one named first. */
function chooseServed(secrets: readonly SecretInService[]): ReadonlyMap<string, SecretInService> {
  const chosen = new Map<string, SecretInService>()
  for (const secret of [...secrets].sort((a, b) => orderOf(a) - orderOf(b))) {
    const family = secret.state.material?.keyFamily
    if (family !== undefined && !chosen.has(family)) chosen.set(family, secret)
  }
  return chosen
}

function stateOf(secret: SecretInService, chosen: ReadonlyMap<string, SecretInService>): SecretState {
  const { secretName, state, remarks } = secret
  const family = state.material?.keyFamily ?? ''
  const winner = chosen.get(family)
  const isDouble = winner !== undefined && winner !== secret
  return {
    secretName,
    served: isDouble ? undefined : state.assessment,
    refused: state.refused,
    missing: state.missing,
    remarks: isDouble
      ? [
          ...remarks,
          `has a certificate of the key type "${family}", as has Secret "${winner.secretName}", and only one of each is served; leave one out, or order it with another key type`,
        ]
      : remarks,
  }
}

function servedCertificate({ secretName, state }: SecretInService, graded: SecretState): ServedCertificate[] {
  const { material, assessment } = state
  if (!material || !assessment) return []
  const { facts } = material.leaf
  const lastKnownGood = isLastKnownGood(graded)
  return [
    {
      secretName,
      subject: facts.subject.slice(0, MAX_DISTINGUISHED_NAME),
      names: facts.names.slice(0, MAX_NAMES).map((name) => name.slice(0, MAX_NAME)),
      issuer: facts.issuer.slice(0, MAX_DISTINGUISHED_NAME),
      serialNumber: facts.serialNumber.slice(0, 64),
      sha256: facts.sha256,
      keyType: facts.keyType.slice(0, 32),
      notBefore: facts.notBefore,
      notAfter: facts.notAfter,
      grade: gradeServed(assessment, lastKnownGood),
      lastKnownGood,
      certPem: material.certPem,
      keyPem: material.keyPem,
    },
  ]
}

/** What a host shows its clients, and what that is worth, from what is in service of each of its Secrets. */
export function hostCertificates(secrets: readonly SecretInService[], needsCertificate: boolean): HostCertificates {
  const chosen = chooseServed(secrets)
  const states = new Map(secrets.map((secret) => [secret, stateOf(secret, chosen)]))
  const served = new Set(chosen.values())
  return {
    ...gradeHost([...states.values()], needsCertificate),
    certificates: [...states].flatMap(([secret, state]) =>
      served.has(secret) ? servedCertificate(secret, state) : [],
    ),
  }
}
