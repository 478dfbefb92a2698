import { createHash } from 'node:crypto'
import type { CaRef, UnresolvedRef } from '../../crds/index.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { assess, type Requirements, worthOf } from './assess.ts'
import { type CaBundle, isWholeBundle, keepLastGood, readCaBundle } from './ca-bundle.ts'
import { ContentWatch, type GroupContent, type WatchedGroup } from './content-watch.ts'
import { type HostCertificates, hostCertificates, type SecretInService } from './host-certificates.ts'
import { decide, type Found, type InService } from './in-service.ts'
import { loadSecret, type Material, type SecretEntries } from './load.ts'
import { type MaterialPlaces, placeOf, whyMissing } from './material-place.ts'
import { type SharedAuthority, ThrowawayCertificates } from './self-signed.ts'
import type { Strength } from './strength.ts'
import { Transitions } from './transitions.ts'
import { unresolvedRefs } from './unresolved.ts'

export type { HostCertificates } from './host-certificates.ts'

/** What a host needs of the store. */
export interface HostRequirement {
  readonly hostTag: string
  /** Lower-case; empty when any certificate will do. */
  readonly hostNames: readonly string[]
  /** Secrets to serve, most wanted first; one per key type is served. */
  readonly secretNames: readonly string[]
  readonly strength: Strength
  /** False: the host is graded `None` without a message, and its Secrets are not looked at. */
  readonly needsCertificate: boolean
}

/** A certificate with its key that is shown to a backend, or why there is none. */
export type Credential =
  | { readonly certPem: string; readonly keyPem: string; readonly sha256: string }
  | { readonly problem: string }

/** What is watched besides the Secrets of hosts. */
export interface FurtherMaterial {
  readonly cas?: readonly CaRef[]
  /** Secrets whose certificates are shown to backends. */
  readonly credentials?: readonly string[]
}

/** How a store judges, and how often. */
export interface JudgingPolicy {
  /** Days before its end that a certificate is graded `Warn`. */
  readonly certExpireDays: number
  /** Seconds between two complete rechecks. */
  readonly recheckSeconds: number
}

/** Where a store finds its material, and how it judges it. */
export interface CertificateStoreOptions extends JudgingPolicy, MaterialPlaces {
  /** Development only: a host whose Secret is missing gets a certificate of a throwaway CA. */
  readonly selfSigned?: boolean | SharedAuthority
  readonly log: Log
  readonly clock: Clock
}

/**
 * Called after material in service changed, with the tags of the hosts and the names of the CA bundles
 * (`ConfigMap/clients-ca/ca.crt`) concerned. Grades alone change without a call.
 */
export type ChangeListener = (hostTags: readonly string[], caRefs: readonly string[]) => void

const ENTRIES = ['tls.crt', 'tls.key', 'ca.crt'] as const
const ABSENT = { kind: 'missing' } as const
const MAX_TIMER_MS = 2 ** 31 - 1

const secretId = (name: string) => `Secret/${name}`
const caId = ({ kind, name, key }: CaRef) => `CA ${kind}/${name}/${key}`
const slotId = (owner: string, secretName: string) => `${owner}\0${secretName}`
/** Owner of what is shown to backends; the tag of a host is never empty. */
const BACKENDS = ''

function entriesOf({ entries: [crt, key, ca] }: GroupContent): SecretEntries {
  return { 'tls.crt': crt ?? ABSENT, 'tls.key': key ?? ABSENT, 'ca.crt': ca ?? ABSENT }
}

const fingerprintOf = ({ certificates }: HostCertificates) =>
  certificates.map(({ certPem, keyPem }) => certPem + keyPem).join('\0')

/**
 * Keeps the certificates of every host, the CA bundles and the credentials for backends: loads them, watches them,
 * replaces them when what comes is good, and keeps the last good ones when it is not. A Secret that cannot be used
 * costs nobody but the hosts that name it. Nothing it does throws over bad files.
 */
export class CertificateStore {
  readonly #options: CertificateStoreOptions
  #policy: JudgingPolicy
  readonly #watch: ContentWatch
  readonly #transitions: Transitions
  readonly #throwaway: ThrowawayCertificates
  #required: readonly HostRequirement[] = []
  #credentialNames: readonly string[] = []
  #caRefs = new Map<string, CaRef>()
  /** What lies in each Secret. */
  #found = new Map<string, { readonly key: string; readonly found: Found }>()
  /** The last material of each Secret that loaded, for hosts that come while it is broken. */
  #lastLoaded = new Map<string, Material>()
  #inService = new Map<string, InService>()
  #hosts = new Map<string, HostCertificates>()
  #bundles = new Map<string, CaBundle>()
  #credentials = new Map<string, Credential>()
  #listeners: ChangeListener[] = []
  #timer: NodeJS.Timeout | undefined
  #recheckAt = 0
  #isClosed = false

  constructor(options: CertificateStoreOptions) {
    this.#options = options
    this.#policy = options
    this.#transitions = new Transitions(options.log)
    const authority = typeof options.selfSigned === 'object' ? options.selfSigned : undefined
    this.#throwaway = new ThrowawayCertificates(options.clock, options.log, authority)
    this.#watch = new ContentWatch((id, content, isFinal) => this.#arrived(id, content, isFinal))
  }

  /** Path of the throwaway CA's certificate; undefined when none was made. */
  get selfSignedCa(): string | undefined {
    return this.#throwaway.caPath
  }

  /** Judges by another policy from the next judgement on, which {@link setHosts} is. */
  judgeBy({ certExpireDays, recheckSeconds }: JudgingPolicy): void {
    this.#policy = { certExpireDays, recheckSeconds }
  }

  /**
   * Says who needs what. Material that is new is loaded before it returns and judged as it lies; what is in service for
   * a host that stays is kept by the same rules as ever.
   */
  async setHosts(hosts: readonly HostRequirement[], further: FurtherMaterial = {}): Promise<void> {
    this.#required = hosts
    this.#credentialNames = [...new Set(further.credentials ?? [])]
    this.#caRefs = new Map((further.cas ?? []).map((ref) => [caId(ref), ref]))
    const { clock } = this.#options
    const secretNames = new Set([...hosts.flatMap((host) => this.#secretsOf(host)), ...this.#credentialNames])
    secretNames.delete('')
    const secrets = [...secretNames].map(
      (name): WatchedGroup => ({ id: secretId(name), files: ENTRIES, ...placeOf(this.#options, 'Secret', name) }),
    )
    const bundles = [...this.#caRefs].map(([id, { kind, name, key }]): WatchedGroup => {
      return { id, files: [key], ...placeOf(this.#options, kind, name) }
    })
    this.#watch.watch([...secrets, ...bundles])
    this.#forget(secretNames)
    for (const name of secretNames) {
      const content = this.#watch.content(secretId(name))
      if (content) this.#judge(name, content)
    }
    this.#regrade()
    this.#recheckAt = clock.now() + this.#policy.recheckSeconds * 1000
    this.#schedule()
  }

  /** The certificates by hostTag; every host of {@link setHosts} has an entry. */
  hosts(): ReadonlyMap<string, HostCertificates> {
    return this.#hosts
  }

  /** A CA bundle named in {@link setHosts}; the last good one when what lies there cannot be used. */
  ca(ref: CaRef): CaBundle {
    const found = this.#bundles.get(caId(ref))
    return found ?? { pem: [], sha256: '', messages: [`${ref.kind} "${ref.name}": ${ref.key} is not watched`] }
  }

  /** The certificate of a Secret named in {@link setHosts}, for use towards a backend. */
  credential(secretName: string): Credential {
    return this.#credentials.get(secretName) ?? { problem: `Secret "${secretName}" is not watched` }
  }

  /** Calls `listener` after each change of material in service. */
  onChange(listener: ChangeListener): void {
    this.#listeners.push(listener)
  }

  /** Reads the Secrets of one host again (`LoadOneCert`); resolves when it is done, within about a second. */
  async reload(hostTag: string): Promise<void> {
    const host = this.#required.find((one) => one.hostTag === hostTag)
    if (host) await this.#watch.refresh(new Set(host.secretNames.map(secretId)))
  }

  /** Reads and judges everything again (`RecheckSslCerts`); resolves when it is done, within about a second. */
  async recheck(): Promise<void> {
    const { clock } = this.#options
    this.#recheckAt = clock.now() + this.#policy.recheckSeconds * 1000
    await this.#watch.refresh()
    if (this.#isClosed) return
    this.#regrade()
    this.#schedule()
  }

  /** Every Secret and CA that is named and cannot be used as it lies there, each once. */
  unresolved(): readonly UnresolvedRef[] {
    const owned = this.#required.flatMap((host) => this.#secretsOf(host).map((name) => [host.hostTag, name] as const))
    const slots = [...owned, ...this.#credentialNames.map((name) => [BACKENDS, name] as const)]
    return unresolvedRefs(
      slots.map(([owner, name]) => [name, this.#inService.get(slotId(owner, name))] as const),
      [...this.#caRefs].map(([id, ref]) => [ref, this.#bundles.get(id)] as const),
    )
  }

  /** Ends watching; what is in service can still be asked for. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#watch.close()
    this.#throwaway.close()
    this.#listeners = []
  }

  #arrived(id: string, content: GroupContent, isFinal: boolean): boolean {
    const ref = this.#caRefs.get(id)
    if (ref) {
      const entry = content.entries[0] ?? ABSENT
      if (!isFinal && !isWholeBundle(entry)) return false
      this.#tell([], this.#updateBundle(id, ref, content))
      return true
    }
    const name = id.slice(secretId('').length)
    const before = this.#found.get(name)
    const found = this.#judge(name, content)
    // What has a flaw may be half of a change; it is taken once nothing more comes.
    const isWhole = found.kind === 'material' && found.material.findings.every(({ severity }) => severity !== 'flaw')
    if (!isFinal && !isWhole) {
      if (before) this.#found.set(name, before)
      return false
    }
    this.#tell(this.#update(name, content.hash), [])
    this.#schedule()
    return true
  }

  /** What lies in a Secret, parsed once for each content of it. */
  #judge(name: string, content: GroupContent): Found {
    // A ca.crt that is trusted for clients or backends says nothing about the issuer of tls.crt.
    const caProves = !this.#caRefs.has(caId({ kind: 'Secret', name, key: 'ca.crt' }))
    const key = `${content.hash} ${caProves}`
    const known = this.#found.get(name)
    if (known?.key === key && known.found.kind === 'material') return known.found
    const found: Found = content.isMissing
      ? { kind: 'missing', message: whyMissing(this.#options) }
      : loadSecret(entriesOf(content), this.#options.clock.now(), caProves)
    this.#found.set(name, { key, found })
    return found
  }

  #forget(secretNames: ReadonlySet<string>): void {
    const slots = new Set([
      ...this.#required.flatMap((host) => this.#secretsOf(host).map((name) => slotId(host.hostTag, name))),
      ...this.#credentialNames.map((name) => slotId(BACKENDS, name)),
    ])
    const tags = new Set(this.#required.map((host) => host.hostTag))
    const keep = (map: Map<string, unknown>, isKept: (key: string) => boolean) => {
      for (const key of [...map.keys()]) if (!isKept(key)) map.delete(key)
    }
    keep(this.#inService, (id) => slots.has(id))
    keep(this.#found, (name) => secretNames.has(name))
    keep(this.#lastLoaded, (name) => secretNames.has(name))
    keep(this.#bundles, (id) => this.#caRefs.has(id))
    keep(this.#credentials, (name) => this.#credentialNames.includes(name))
    keep(this.#hosts, (tag) => tags.has(tag))
    this.#transitions.keepHosts(tags)
  }

  /** Judges everything at the present time. */
  #regrade(): void {
    const bundles = [...this.#caRefs].flatMap(([id, ref]) => {
      const content = this.#watch.content(id)
      return content ? this.#updateBundle(id, ref, content) : []
    })
    this.#tell(this.#update(undefined, ''), bundles)
  }

  /** Judges the users of one Secret, or of all; returns the tags of the hosts whose material changed. */
  #update(secretName: string | undefined, hash: string): string[] {
    const concerns = (names: readonly string[]) => secretName === undefined || names.includes(secretName)
    for (const name of this.#credentialNames) if (concerns([name])) this.#updateCredential(name, hash)
    return this.#required
      .filter((host) => concerns(host.secretNames))
      .flatMap((host) => (this.#updateHost(host, hash) ? [host.hostTag] : []))
  }

  #secretsOf(host: HostRequirement): readonly string[] {
    if (!host.needsCertificate) return []
    return host.secretNames.length === 0 && this.#options.selfSigned ? [''] : [...new Set(host.secretNames)]
  }

  #requirements(host: Pick<HostRequirement, 'hostNames' | 'strength'>, purpose: 'server' | 'client'): Requirements {
    const { hostNames, strength } = host
    return { hostNames, strength, purpose, certExpireDays: this.#policy.certExpireDays }
  }

  #decide(owner: string, name: string, requirements: Requirements): InService {
    const now = this.#options.clock.now()
    const found = this.#found.get(name)?.found ?? { kind: 'missing', message: 'is not named; name it in secretName' }
    if (found.kind === 'material') this.#lastLoaded.set(name, found.material)
    const last = this.#lastLoaded.get(name)
    const isUsable = (material: Material) => worthOf(assess(material, requirements, now)) !== 'unusable'
    const current = this.#inService.get(slotId(owner, name))?.material
    const state = decide(current ?? (last && isUsable(last) ? last : undefined), found, requirements, now)
    this.#inService.set(slotId(owner, name), state)
    return state
  }

  #updateHost(host: HostRequirement, hash: string): boolean {
    const secrets = this.#secretsOf(host).map((name): SecretInService => {
      const requirements = this.#requirements(host, 'server')
      const decided = this.#decide(host.hostTag, name, requirements)
      const state = this.#options.selfSigned ? this.#orThrowaway(host, name, decided, requirements) : decided
      const content = hash || (this.#watch.content(secretId(name))?.hash ?? 'none')
      this.#transitions.secret({ host: host.hostTag }, name, state, content)
      const isThrowaway = state.material && this.#throwaway.has(state.material)
      const remarks = isThrowaway && state.refused.length === 0 ? [this.#throwawayRemark(name)] : []
      return { secretName: name, state, remarks }
    })
    const before = this.#hosts.get(host.hostTag)
    const after = hostCertificates(secrets, host.needsCertificate)
    this.#hosts.set(host.hostTag, after)
    if (host.needsCertificate) this.#transitions.grade(host.hostTag, after)
    return before === undefined ? after.certificates.length > 0 : fingerprintOf(before) !== fingerprintOf(after)
  }

  #throwawayRemark(name: string): string {
    const what = 'a certificate of the throwaway CA is served, for development only'
    return name === ''
      ? `${what}; name a Secret in certificate.secretName`
      : `is missing: ${what}; create the Secret, with tls.crt and tls.key`
  }

  /** Puts a certificate of the throwaway CA into service where a Secret is missing and none is served. */
  #orThrowaway(host: HostRequirement, name: string, state: InService, requirements: Requirements): InService {
    if (state.missing === undefined) return state
    if (state.material) return this.#throwaway.has(state.material) ? { ...state, missing: undefined } : state
    const material = this.#throwaway.make(host.hostNames, host.strength)
    if (!material) return state
    const made = decide(undefined, { kind: 'material', material }, requirements, this.#options.clock.now())
    this.#inService.set(slotId(host.hostTag, name), made)
    return made
  }

  #updateCredential(name: string, hash: string): void {
    const state = this.#decide(BACKENDS, name, this.#requirements({ hostNames: [], strength: 2 }, 'client'))
    const content = hash || (this.#watch.content(secretId(name))?.hash ?? 'none')
    this.#transitions.secret({ credential: true }, name, state, content)
    const { material, missing, refused } = state
    if (!material) {
      const reasons = missing === undefined ? refused : [missing]
      const problem = `Secret "${name}"${missing === undefined ? ': ' : ' '}${reasons.join('; ')}`
      this.#credentials.set(name, { problem })
      return
    }
    const { certPem, keyPem } = material
    const sha256 = createHash('sha256').update(certPem).update(keyPem).digest('hex')
    this.#credentials.set(name, { certPem, keyPem, sha256 })
  }

  /** Returns the name of the bundle when what is in service changed, else nothing. */
  #updateBundle(id: string, ref: CaRef, content: GroupContent): string[] {
    const title = `${ref.kind} "${ref.name}"`
    const before = this.#bundles.get(id)
    const entry = content.entries[0] ?? ABSENT
    const found: CaBundle = content.isMissing
      ? { pem: [], sha256: '', messages: [`${title} is missing; create it, with CA certificates as PEM in ${ref.key}`] }
      : readCaBundle(entry, title, ref.key, this.#options.clock.now())
    const after = keepLastGood(before, found)
    this.#bundles.set(id, after)
    this.#transitions.bundle(`${ref.kind}/${ref.name}/${ref.key}`, after)
    return after.sha256 === (before?.sha256 ?? '') ? [] : [`${ref.kind}/${ref.name}/${ref.key}`]
  }

  #tell(hostTags: readonly string[], caRefs: readonly string[]): void {
    if (hostTags.length === 0 && caRefs.length === 0) return
    for (const listener of this.#listeners)
      try {
        listener(hostTags, caRefs)
      } catch (error) {
        this.#options.log('error', 'cannot pass a change of certificates on', { error })
      }
  }

  /** Judges again when time alone changes a grade, and at the latest when the recheck is due. */
  #schedule(): void {
    if (this.#isClosed) return
    clearTimeout(this.#timer)
    const now = this.#options.clock.now()
    const moments = [...this.#inService.values()].flatMap(({ changesAt }) => changesAt ?? [])
    const next = moments.reduce((soonest, moment) => Math.min(soonest, moment), this.#recheckAt)
    const delay = Math.min(Math.max(next - now, 1_000), MAX_TIMER_MS)
    this.#timer = setTimeout(() => {
      if (this.#options.clock.now() >= this.#recheckAt) {
        void this.recheck().then(() => this.#options.log('info', 'certificates rechecked', { cause: 'recheckSeconds' }))
        return
      }
      this.#regrade()
      this.#schedule()
    }, delay).unref()
  }
}
