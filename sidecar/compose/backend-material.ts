import type { BackendTls } from '../../crds/index.ts'
import type { CertificateStore } from '../certificates/store.ts'
import type { BackendMaterial } from '../handlers/backends/backend-tls.ts'

/**
 * The certificates a handler uses towards its backends, as they are at the moment of each call: the same object while
 * nothing changed, so that a secure context is made once per change and not per connection.
 */
export function backendMaterial(spec: BackendTls, store: CertificateStore): () => BackendMaterial {
  let key = ''
  let known: BackendMaterial = { problem: 'not loaded yet' }
  return () => {
    const ca = spec.caRef ? store.ca(spec.caRef) : undefined
    const credential = spec.clientSecretName === undefined ? undefined : store.credential(spec.clientSecretName)
    const problem = credential && 'problem' in credential ? credential.problem : undefined
    const next = JSON.stringify([ca?.sha256, problem, credential && 'sha256' in credential ? credential.sha256 : ''])
    if (next === key) return known
    key = next
    known = materialOf(ca, credential)
    return known
  }
}

function materialOf(
  ca: ReturnType<CertificateStore['ca']> | undefined,
  credential: ReturnType<CertificateStore['credential']> | undefined,
): BackendMaterial {
  // A CA that was asked for and is not there must not become "any CA the runtime trusts".
  if (ca && ca.pem.length === 0) return { problem: ca.messages.join('; ') || 'the CA bundle of the backend is missing' }
  if (credential && 'problem' in credential) return credential
  return {
    ...(ca ? { ca: ca.pem.join('\n') } : {}),
    ...(credential ? { cert: credential.certPem, key: credential.keyPem } : {}),
  }
}
