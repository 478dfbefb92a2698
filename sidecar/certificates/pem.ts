import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readElement, readElements, readOid } from './der-reader.ts'

/** One block of PEM (RFC 7468), in the order of the text. */
export interface PemBlock {
  /** For example `CERTIFICATE` or `PRIVATE KEY`. */
  readonly label: string
  /** From its BEGIN line to its END line; to the next block or the end when that line is missing. */
  readonly text: string
  /** Whether its END line is there. */
  readonly complete: boolean
}

const BEGIN = '-----BEGIN '
/** Printable ASCII (RFC 7468, 3), and no longer than any label in use. */
const LABEL = /^[ -~]{0,64}$/

/** Splits a text into its PEM blocks in one pass; text between them is passed over. */
export function pemBlocks(text: string): readonly PemBlock[] {
  const blocks: PemBlock[] = []
  for (let start = text.indexOf(BEGIN); start !== -1; ) {
    const labelEnd = text.indexOf('-----', start + BEGIN.length)
    const label = labelEnd === -1 ? undefined : text.slice(start + BEGIN.length, labelEnd)
    if (label === undefined || !LABEL.test(label)) {
      start = text.indexOf(BEGIN, start + BEGIN.length)
      continue
    }
    const next = text.indexOf(BEGIN, labelEnd)
    const room = text.slice(labelEnd, next === -1 ? text.length : next)
    const endLine = `-----END ${label}-----`
    const end = room.indexOf(endLine)
    const complete = end !== -1
    const stop = labelEnd + (complete ? end + endLine.length : room.length)
    blocks.push({ label, text: `${text.slice(start, stop)}\n`, complete })
    start = next
  }
  return blocks
}

/** The text of a file that should be PEM. PEM is ASCII, so no byte is lost. */
export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

const succeeds = (attempt: () => unknown): boolean => {
  try {
    attempt()
    return true
  } catch {
    return false
  }
}

const PKCS7_SIGNED = '1.2.840.113549.1.7.2'

function describeDer(bytes: Buffer, entry: string): string | undefined {
  if (bytes[0] !== 0x30) return undefined
  const isKey = (type: 'pkcs8' | 'pkcs1' | 'sec1') =>
    succeeds(() => createPrivateKey({ key: bytes, format: 'der', type }))
  if (succeeds(() => new X509Certificate(bytes)))
    return `is a certificate in DER form, not PEM; convert it: openssl x509 -inform der -in ${entry} -out ${entry}.pem`
  if (isKey('pkcs8') || isKey('pkcs1') || isKey('sec1'))
    return `is a private key in DER form, not PEM; convert it: openssl pkey -inform der -in ${entry} -out ${entry}.pem`
  try {
    const [first, second] = readElements(readElement(bytes).content)
    if (first?.tag === 0x02 && first.content.equals(Buffer.from([3])) && second?.tag === 0x30)
      return `is a PKCS#12 file (.pfx, .p12), not PEM; take it apart: openssl pkcs12 -in FILE -nokeys -out tls.crt; openssl pkcs12 -in FILE -nocerts -nodes -out tls.key`
    if (first?.tag === 0x06 && readOid(first.content) === PKCS7_SIGNED)
      return `is a PKCS#7 file (.p7b), not PEM; convert it: openssl pkcs7 -inform der -print_certs -in ${entry} -out ${entry}.pem`
  } catch {
    return undefined
  }
  return undefined
}

/**
 * Says why a file holds no PEM block, and what to do about it; the sentence goes on from the file's name.
 * Call it when {@link pemBlocks} finds nothing.
 */
export function describeNoPem(content: Uint8Array, entry: string): string {
  const bytes = Buffer.from(content)
  const text = textOf(bytes).trim()
  if (text === '') return 'is empty; put PEM text into it'
  const der = describeDer(bytes, entry)
  if (der !== undefined) return der
  const mark = bytes.length >= 2 ? bytes.readUInt16BE(0) : 0
  if (mark === 0xfffe || mark === 0xfeff) return 'is text in UTF-16; save it as UTF-8'
  if (text.startsWith('LS0tLS1CRUdJTi'))
    return 'is encoded in base64 twice; in a Secret, give PEM under stringData or encode it once under data'
  if (/^MI[A-Za-z0-9+/=\s]+$/.test(text.slice(0, 4096)))
    return 'lacks its BEGIN and END lines; PEM needs both around the base64 text'
  if (/BEGIN [A-Z0-9 ]+/.test(text.slice(0, 4096)))
    return 'has a damaged BEGIN line; it must begin with five dashes, as in -----BEGIN CERTIFICATE-----'
  const isBinary = bytes.subarray(0, 4096).some((byte) => byte === 0 || byte > 0x7e)
  return isBinary ? 'is a binary file, not PEM; put PEM text into it' : 'holds no PEM text; put PEM text into it'
}
