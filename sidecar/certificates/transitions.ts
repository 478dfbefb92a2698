import type { Grade } from '../../crds/index.ts'
import type { Log } from '../base/log.ts'
import type { CaBundle } from './ca-bundle.ts'
import type { HostCertificates } from './host-certificates.ts'
import type { InService } from './in-service.ts'

const LEVELS = { OK: 'info', Warn: 'warn', Fail: 'error', None: 'error' } as const

/** Tells the log of each change of certificates once, however often the same is judged again. */
export class Transitions {
  readonly #log: Log
  #loaded = new Map<string, string>()
  #refused = new Map<string, string>()
  #grades = new Map<string, Grade>()
  #bundles = new Map<string, string>()

  constructor(log: Log) {
    this.#log = log
  }

  /**
   * What a Secret amounts to for its user. `content` tells one content of the Secret from another: the text of a
   * refusal holds ages, which change by themselves.
   */
  secret(user: { host: string } | { credential: true }, secret: string, state: InService, content: string): void {
    const host = 'host' in user ? user.host : undefined
    const id = `${host ?? ''}\0${secret}`
    const { material, missing, refused } = state
    const pem = material?.certPem ?? ''
    if (material && this.#loaded.get(id) !== pem) {
      const { subject, names, keyType, sha256, notAfter } = material.leaf.facts
      this.#log('info', 'certificate loaded', { host, secret, subject, names, keyType, sha256, notAfter })
    }
    this.#loaded.set(id, pem)
    const messages = missing === undefined ? refused : [missing]
    const refusal = messages.length > 0 ? content : ''
    if (refusal !== '' && this.#refused.get(id) !== refusal)
      this.#log(material ? 'warn' : 'error', missing === undefined ? 'certificate refused' : 'certificate missing', {
        host,
        secret,
        messages,
        lastKnownGood: material !== undefined,
      })
    this.#refused.set(id, refusal)
  }

  /** The grade of a host. A first grade is told when it is not `OK`. */
  grade(host: string, { grade, messages }: HostCertificates): void {
    const before = this.#grades.get(host)
    this.#grades.set(host, grade)
    if (before === grade || (before === undefined && grade === 'OK')) return
    this.#log(LEVELS[grade], 'certificate grade changed', { host, from: before ?? 'None', grade, messages })
  }

  /** A CA bundle; `ref` as `ConfigMap/clients-ca/ca.crt`. */
  bundle(ref: string, { pem, sha256, messages }: CaBundle): void {
    const state = `${sha256}\0${messages.join('\n')}`
    if (this.#bundles.get(ref) === state) return
    this.#bundles.set(ref, state)
    if (messages.length === 0) this.#log('info', 'ca bundle loaded', { ca: ref, certificates: pem.length, sha256 })
    else
      this.#log(pem.length > 0 ? 'warn' : 'error', 'ca bundle has problems', {
        ca: ref,
        certificates: pem.length,
        messages,
      })
  }

  /** Forgets hosts that are gone, so that they are told anew when they come back. */
  keepHosts(hosts: ReadonlySet<string>): void {
    for (const host of this.#grades.keys()) if (!hosts.has(host)) this.#grades.delete(host)
    for (const id of [...this.#loaded.keys()]) {
      const host = id.slice(0, id.indexOf('\0'))
      if (host === '' || hosts.has(host)) continue
      this.#loaded.delete(id)
      this.#refused.delete(id)
    }
  }
}
