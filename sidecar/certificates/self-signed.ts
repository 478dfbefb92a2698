import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { SERVER_AUTH, writeCertificate } from './certificate-writer.ts'
import { loadSecret, type Material, type SecretEntries } from './load.ts'
import type { Strength } from './strength.ts'

const DAY = 86_400_000
const NAME = 'SocketServer throwaway CA, for development only'

const newKey = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey
const publicOf = (key: KeyObject) => createPublicKey(key.export({ type: 'pkcs8', format: 'pem' }).toString())
const pemBytes = (pem: string) => ({ kind: 'bytes', bytes: Buffer.from(pem) }) as const

/** A throwaway CA that several processes use; whoever made it removes its certificate in the end. */
export interface SharedAuthority {
  /** PKCS#8 PEM. */
  readonly keyPem: string
  readonly caPem: string
  readonly caPath: string
}

/**
 * A CA for development that lives as long as the process. Its certificate is written to a temporary directory, for
 * clients to trust; its private key never leaves memory.
 */
class ThrowawayAuthority {
  /** Path of the CA certificate. */
  readonly caPath: string
  readonly #key: KeyObject
  readonly #caPem: string
  readonly #clock: Clock

  readonly #isOurs: boolean

  /** @throws the file system's error when no temporary directory can be written. */
  constructor(clock: Clock, shared?: SharedAuthority) {
    this.#clock = clock
    this.#isOurs = shared === undefined
    if (shared) {
      this.#key = createPrivateKey(shared.keyPem)
      this.#caPem = shared.caPem
      this.caPath = shared.caPath
      return
    }
    this.#key = newKey('P-384')
    this.#caPem = this.#write(NAME, [], this.#key, true)
    this.caPath = join(mkdtempSync(join(tmpdir(), 'socketserver-ca-')), 'ca.crt')
    writeFileSync(this.caPath, this.#caPem)
  }

  /** Issues a certificate for host names (`localhost` and its addresses when there are none), as a Secret would hold it. */
  issue(hostNames: readonly string[], strength: Strength): SecretEntries {
    const key = newKey(strength === 4 ? 'P-384' : 'P-256')
    const names = hostNames.length > 0 ? hostNames : ['localhost', '127.0.0.1', '::1']
    return {
      'tls.crt': pemBytes(this.#write(names[0] ?? 'localhost', names, key, false)),
      'tls.key': pemBytes(key.export({ type: 'pkcs8', format: 'pem' }).toString()),
      'ca.crt': pemBytes(this.#caPem),
    }
  }

  /** What another process needs to issue certificates of the same CA. */
  share(): SharedAuthority {
    const keyPem = this.#key.export({ type: 'pkcs8', format: 'pem' }).toString()
    return { keyPem, caPem: this.#caPem, caPath: this.caPath }
  }

  /** Removes the temporary directory. */
  close(): void {
    if (!this.#isOurs) return
    try {
      rmSync(dirname(this.caPath), { recursive: true, force: true })
    } catch {
      // What is left behind is a public certificate.
    }
  }

  #write(commonName: string, names: readonly string[], key: KeyObject, isCa: boolean): string {
    const now = this.#clock.now()
    return writeCertificate(
      {
        // RFC 5280, appendix A.1: a common name has at most 64 characters.
        commonName: commonName.slice(0, 64),
        names,
        notBefore: new Date(now - DAY),
        notAfter: new Date(now + (isCa ? 398 : 397) * DAY),
        isCa,
        extendedKeyUsages: isCa ? [] : [SERVER_AUTH],
        signatureHash: 'sha384',
      },
      publicOf(key),
      { commonName: NAME, key: this.#key },
    )
  }
}

/** Certificates for development, of one authority that is made when the first is asked for. */
export class ThrowawayCertificates {
  readonly #clock: Clock
  readonly #log: Log
  readonly #made = new WeakSet<Material>()
  #authority: ThrowawayAuthority | undefined
  #isBroken = false

  /** @param shared The authority, when another process made it. */
  constructor(clock: Clock, log: Log, shared?: SharedAuthority) {
    this.#clock = clock
    this.#log = log
    if (shared) this.#authority = new ThrowawayAuthority(clock, shared)
  }

  /** The authority for other processes, made now if there is none; undefined when there can be none. */
  share(): SharedAuthority | undefined {
    return this.#authorityOrNone()?.share()
  }

  /** Path of the CA certificate; undefined until one is made, and when it cannot be written. */
  get caPath(): string | undefined {
    return this.#authority?.caPath
  }

  /** Makes a certificate for host names, strong enough for a level; undefined when there can be no authority. */
  make(hostNames: readonly string[], strength: Strength): Material | undefined {
    const authority = this.#authorityOrNone()
    const loaded = authority && loadSecret(authority.issue(hostNames, strength), this.#clock.now())
    if (loaded?.kind !== 'material') return undefined
    this.#made.add(loaded.material)
    return loaded.material
  }

  /** Whether material is one of these certificates. */
  has(material: Material): boolean {
    return this.#made.has(material)
  }

  /** Removes the CA certificate. */
  close(): void {
    this.#authority?.close()
  }

  #authorityOrNone(): ThrowawayAuthority | undefined {
    if (this.#authority || this.#isBroken) return this.#authority
    try {
      this.#authority = new ThrowawayAuthority(this.#clock)
    } catch (error) {
      this.#isBroken = true
      this.#log('error', 'cannot make a throwaway CA', { error })
    }
    return this.#authority
  }
}
