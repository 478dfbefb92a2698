/** A part of a manifest as a person writes it; deliberately untyped, so that wrong manifests can be built as well. */
export type Part = Readonly<Record<string, unknown>>

/** A good SocketServer with the given spec; `metadata` may be given beside the fields of the spec. */
export function socketServer({ metadata = { name: 'edge' }, ...spec }: Part): Part {
  return { apiVersion: 'icshosts.io/v1alpha1', kind: 'SocketServer', metadata, spec }
}

/** A good TLS listener named `tls` on IPv4 loopback, with the given changes; `port` is needed. */
export function listener(changes: Part): Part {
  return { name: 'tls', address: '127.0.0.1', ...changes }
}

/** A good host `a` for `a.test` with the Secret `a` and an Echo handler, with the given changes. */
export function host(changes: Part = {}): Part {
  const hostTag = changes.hostTag ?? 'a'
  return {
    hostTag,
    hostNames: [`${hostTag}.test`],
    certificate: { secretName: hostTag },
    handler: { type: 'Echo' },
    ...changes,
  }
}

/** A Forward handler to the given backends (each as `Backend.backend` gives it), with the given changes. */
export function forward(backends: readonly Part[], changes: Part = {}): Part {
  return { type: 'Forward', forward: { backends, ...changes } }
}
