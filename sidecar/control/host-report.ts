import type { CertificateStatus, IcsHostStatus } from '../../crds/index.ts'

/** One certificate of a chain as it is sent to clients: the host's own first, then its issuers, without the root. */
export interface ChainLink {
  /** Distinguished name on one line. */
  readonly subject: string
  readonly issuer: string
  /** RFC 3339. */
  readonly notAfter: string
  /** Lower-case hexadecimal SHA-256 of the DER. */
  readonly sha256: string
}

/** One certificate as it is served, with what is sent behind it. */
export interface CertificateReport extends CertificateStatus {
  readonly chain: readonly ChainLink[]
}

/** One host with its certificates. Public facts only. */
export interface HostReport extends Omit<IcsHostStatus, 'certificates'> {
  readonly certificates: readonly CertificateReport[]
}
