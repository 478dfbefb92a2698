import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { SERVER_AUTH, writeCertificate } from './certificate-writer.ts'
import type { SecretEntries } from './load.ts'
import type { Strength } from './strength.ts'

const DAY = 86_400_000
const NAME = 'SocketServer throwaway CA, for development only'

const newKey = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey
const publicOf = (key: KeyObject) => createPublicKey(key.export({ type: 'pkcs8', format: 'pem' }).toString())
const pemBytes = (pem: string) => ({ kind: 'bytes', bytes: Buffer.from(pem) }) as const

/**
 * A CA for development that lives as long as the process. Its certificate is written to a temporary directory, for
 * clients to trust; its private key never leaves memory.
 */
export class ThrowawayAuthority {
  /** Path of the CA certificate. */
  readonly caPath: string
  readonly #key: KeyObject
  readonly #caPem: string
  readonly #clock: Clock

  /** @throws the file system's error when no temporary directory can be written. */
  constructor(clock: Clock) {
    this.#clock = clock
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

  /** Removes the temporary directory. */
  close(): void {
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
