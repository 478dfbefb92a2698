import { type DerElement, readElement, readElements, readOid } from './der-reader.ts'

/** The parts of a certificate (RFC 5280, 4.1) that `node:crypto` does not tell, or tells as text that must be parsed. */
export interface Anatomy {
  /** 1 to 3. */
  readonly version: number
  /** DER of the issuer's name. */
  readonly issuer: Buffer
  /** DER of the subject's name. */
  readonly subject: Buffer
  /** Common name of the subject, the last one when there are several; undefined when it has none. */
  readonly commonName: string | undefined
  /** Identifier of the signature algorithm, and for RSASSA-PSS of the digest. */
  readonly signatureOid: string
  readonly pssDigestOid: string | undefined
  /** dNSName entries, lower-case. */
  readonly dnsNames: readonly string[]
  /** iPAddress entries in their shortest form. */
  readonly ipAddresses: readonly string[]
  /** Whether there is a subjectAltName extension at all. */
  readonly hasSan: boolean
  /** Extended key usages; undefined without the extension. */
  readonly extendedKeyUsages: readonly string[] | undefined
  /** Whether basicConstraints says that it is a CA (RFC 5280, 4.2.1.9), whatever keyUsage says. */
  readonly isCa: boolean
  /** Whether keyUsage, when there is one, allows to sign certificates. */
  readonly maySignCertificates: boolean
  /** pathLenConstraint of a CA; undefined when it has none. */
  readonly pathLength: number | undefined
  /** caIssuers URLs (RFC 5280, 4.2.2.1). */
  readonly issuerUrls: readonly string[]
}

const RSASSA_PSS = '1.2.840.113549.1.1.10'
const COMMON_NAME = '2.5.4.3'
const CA_ISSUERS = '1.3.6.1.5.5.7.48.2'

/** Text of a certificate comes from whoever made it: control characters never reach a log or a terminal. */
const printable = (text: string): string =>
  text.replace(/[^\x20-\x7e\u00a0-\uffff]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)

function textOf(element: DerElement): string {
  const { tag, content } = element
  if (tag === 0x0c) return printable(content.toString('utf8'))
  if (tag === 0x1e && content.length % 2 === 0) return printable(Buffer.from(content).swap16().toString('utf16le'))
  return printable(content.toString('latin1'))
}

function commonNameOf(name: Buffer): string | undefined {
  let found: string | undefined
  for (const relative of readElements(readElement(name).content))
    for (const attribute of readElements(relative.content)) {
      const [type, value] = readElements(attribute.content)
      if (type && value && readOid(type.content) === COMMON_NAME) found = textOf(value)
    }
  return found
}

/** An IP address of 4 or 16 bytes in its shortest form (RFC 5952); other lengths as hexadecimal. */
export function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length !== 16) return bytes.toString('hex')
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':')
  const zeros = (groups.match(/\b0(?::0)+\b/g) ?? []).reduce((a, b) => (b.length > a.length ? b : a), '')
  if (zeros === '') return groups
  const at = groups.search(new RegExp(`(?:^|:)${zeros}(?:$|:)`))
  const start = at === 0 && groups.startsWith(zeros) ? 0 : at + 1
  const head = groups.slice(0, start).replace(/:$/, '')
  const tail = groups.slice(start + zeros.length).replace(/^:/, '')
  return `${head}::${tail}`
}

function extensionsOf(elements: readonly DerElement[]): Map<string, Buffer> {
  const extensions = new Map<string, Buffer>()
  const wrapper = elements.find((element) => element.tag === 0xa3)
  if (!wrapper) return extensions
  for (const extension of readElements(readElement(wrapper.content).content)) {
    const parts = readElements(extension.content)
    const id = parts[0]
    const value = parts.at(-1)
    if (id && value && value.tag === 0x04) extensions.set(readOid(id.content), value.content)
  }
  return extensions
}

function pssDigestOf(algorithm: readonly DerElement[]): string | undefined {
  const parameters = algorithm[1]
  if (!parameters) return undefined
  const digest = readElements(parameters.content).find((element) => element.tag === 0xa0)
  if (!digest) return '1.3.14.3.2.26'
  const id = readElements(readElement(digest.content).content)[0]
  return id && readOid(id.content)
}

/** Takes a certificate apart. @throws {RangeError} when the DER is not a certificate's. */
export function dissect(der: Buffer): Anatomy {
  const [body, algorithm] = readElements(readElement(der).content)
  if (!body || !algorithm) throw new RangeError('certificate is truncated')
  const parts = readElements(body.content)
  const versioned = parts[0]?.tag === 0xa0
  const [, , issuer, , subject] = versioned ? parts.slice(1) : parts
  if (!issuer || !subject) throw new RangeError('certificate is truncated')
  const signature = readElements(algorithm.content)
  const signatureOid = signature[0] ? readOid(signature[0].content) : ''
  const extensions = extensionsOf(parts)
  const list = (oid: string): DerElement[] => {
    const value = extensions.get(oid)
    return value ? readElements(readElement(value).content) : []
  }
  const names = list('2.5.29.17')
  const usage = extensions.get('2.5.29.15')
  const constraints = list('2.5.29.19')
  const constraint = constraints.find((element) => element.tag === 0x02)
  return {
    version: versioned && parts[0] ? (readElement(parts[0].content).content[0] ?? 0) + 1 : 1,
    issuer: issuer.whole,
    subject: subject.whole,
    commonName: commonNameOf(subject.whole),
    signatureOid,
    pssDigestOid: signatureOid === RSASSA_PSS ? pssDigestOf(signature) : undefined,
    dnsNames: names
      .filter((name) => name.tag === 0x82)
      .map((name) => printable(name.content.toString('latin1')).toLowerCase()),
    ipAddresses: names.filter((name) => name.tag === 0x87).map((name) => addressText(name.content)),
    hasSan: extensions.has('2.5.29.17'),
    extendedKeyUsages: extensions.has('2.5.29.37')
      ? list('2.5.29.37').map((element) => readOid(element.content))
      : undefined,
    isCa: constraints.some((element) => element.tag === 0x01 && element.content[0] !== 0),
    maySignCertificates: usage === undefined || ((readElement(usage).content[1] ?? 0) & 0x04) !== 0,
    pathLength:
      constraint && constraint.content.length <= 4
        ? constraint.content.readIntBE(0, constraint.content.length)
        : undefined,
    issuerUrls: list('1.3.6.1.5.5.7.1.1').flatMap((access) => {
      const [method, location] = readElements(access.content)
      const isUrl = method && location?.tag === 0x86 && readOid(method.content) === CA_ISSUERS
      return isUrl ? [printable(location.content.toString('latin1'))] : []
    }),
  }
}
