import net from 'node:net'
import tls from 'node:tls'
import type { BackendTls } from '../../../crds/index.ts'
import type { BackendAddress } from './backend.ts'

/**
 * What TLS towards backends is done with, as PEM: the CAs (absent: those the runtime trusts) and the
 * certificate shown to the backend with its key; or why it cannot be had. Pass the same object while nothing changed.
 */
export type BackendMaterial =
  | { readonly ca?: string; readonly cert?: string; readonly key?: string }
  | { readonly problem: string }

/** Options of `tls.connect`, or why TLS cannot be begun. */
export type BackendTlsOptions =
  | { readonly kind: 'options'; readonly options: tls.ConnectionOptions }
  | { readonly kind: 'problem'; readonly detail: string }

/**
 * TLS towards the backends of one handler. The secure context is made once per material, because it costs more than
 * the rest of a connection's preparation together.
 */
export class BackendSecurity {
  readonly #spec: BackendTls
  readonly #material: () => BackendMaterial
  #used: BackendMaterial | undefined
  #context: tls.SecureContext | { readonly problem: string } | undefined

  constructor(spec: BackendTls, material: () => BackendMaterial) {
    this.#spec = spec
    this.#material = material
  }

  /**
   * How to secure a connection to `address`. The certificate must be good for `serverName`, else for the host the
   * backend is reached by. Server names are never IP addresses (RFC 6066, 3): none is sent then.
   * @param alpnProtocol What was agreed with the client, and so what its bytes are.
   */
  options(address: BackendAddress, alpnProtocol: string | undefined): BackendTlsOptions {
    const context = this.#currentContext()
    if ('problem' in context) return { kind: 'problem', detail: context.problem }
    const name = this.#spec.serverName ?? (address.kind === 'tcp' ? address.host.replace(/\.$/, '') : 'localhost')
    const options: tls.ConnectionOptions = {
      secureContext: context,
      rejectUnauthorized: true,
      checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(name, certificate),
    }
    if (net.isIP(name) === 0) options.servername = name
    if (alpnProtocol !== undefined) options.ALPNProtocols = [alpnProtocol]
    return { kind: 'options', options }
  }

  #currentContext(): tls.SecureContext | { readonly problem: string } {
    const material = this.#material()
    if (this.#context && material === this.#used) return this.#context
    this.#used = material
    this.#context = contextOf(material)
    return this.#context
  }
}

function contextOf(material: BackendMaterial): tls.SecureContext | { readonly problem: string } {
  if ('problem' in material) return material
  const { ca, cert, key } = material
  try {
    return tls.createSecureContext({
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
    })
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
}
