import { createPrivateKey, type KeyObject } from 'node:crypto'
import { describeNoPem, type PemBlock, pemBlocks, textOf } from './pem.ts'

/** What a key file holds. A reason goes on from the file's name, and ends with the cure. */
export type PrivateKeys =
  | { readonly kind: 'keys'; readonly keys: readonly KeyObject[] }
  | { readonly kind: 'none'; readonly reason: string }

const REMOVE = (entry: string) => `remove it: openssl pkey -in ${entry} -out ${entry}.plain`

/** Whether a PEM block holds a private key, in whatever form. */
export const isPrivateKey = (block: PemBlock): boolean => block.label.endsWith('PRIVATE KEY')

const isEncrypted = (block: PemBlock) =>
  block.label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type:\s*4,\s*ENCRYPTED/m.test(block.text.slice(0, 512))

function whyNone(blocks: readonly PemBlock[], content: Uint8Array, entry: string): string {
  const labels = new Set(blocks.map((block) => block.label))
  if (blocks.length === 0) return describeNoPem(content, entry)
  if (labels.has('CERTIFICATE'))
    return 'holds a certificate and no private key; put the private key of the certificate into it'
  if (labels.has('PUBLIC KEY') || labels.has('RSA PUBLIC KEY'))
    return 'holds a public key; put the private key of the certificate into it'
  return `holds "${blocks[0]?.label.slice(0, 64)}" and no private key; put the private key of the certificate into it`
}

/** Reads the private keys of a PEM file, without passphrases: nothing could ask for one. Never throws. */
export function readPrivateKeys(content: Uint8Array, entry: string): PrivateKeys {
  const blocks = pemBlocks(textOf(content))
  const found = blocks.filter(isPrivateKey)
  if (found.length === 0) return { kind: 'none', reason: whyNone(blocks, content, entry) }
  const keys: KeyObject[] = []
  let reason = ''
  for (const block of found.slice(0, 8)) {
    if (!block.complete) reason ||= 'is cut off: the END line of its private key is missing; write the whole file'
    else if (isEncrypted(block)) reason ||= `is protected by a passphrase; ${REMOVE(entry)}`
    else if (block.label === 'OPENSSH PRIVATE KEY')
      reason ||= `is a key for SSH; order the certificate with a key made by: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`
    else
      try {
        keys.push(createPrivateKey(block.text))
      } catch {
        reason ||=
          'holds a private key that cannot be read; its text is damaged, or of a type that TLS does not know; write the file again'
      }
  }
  return keys.length > 0 ? { kind: 'keys', keys } : { kind: 'none', reason }
}
