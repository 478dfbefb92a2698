import { createHash } from 'node:crypto'
import { inspectPem } from './inspect.ts'
import type { Entry } from './load.ts'
import { describeNoPem, pemBlocks, textOf } from './pem.ts'

/** CA certificates that are in service. */
export interface CaBundle {
  /** One PEM certificate each, without duplicates. Empty when there is none, which is never to mean "any CA". */
  readonly pem: readonly string[]
  /** Lower-case hexadecimal SHA-256 over `pem`; empty when `pem` is. */
  readonly sha256: string
  /** What is wrong with the bundle, each with object, entry and cure. */
  readonly messages: readonly string[]
}

function whyNone(entry: Entry, key: string): string {
  if (entry.kind === 'missing') return `${key} is missing; put CA certificates into it, as PEM`
  if (entry.kind === 'unreadable') return `${key} ${entry.problem}`
  const blocks = pemBlocks(textOf(entry.bytes))
  if (blocks.length === 0) return `${key} ${describeNoPem(entry.bytes, key)}`
  return `${key} holds "${blocks[0]?.label.slice(0, 64)}" and no certificate; put CA certificates into it, as PEM`
}

/**
 * Reads a bundle certificate by certificate: one that is damaged or expired costs nobody else. Expired CAs stay in, so
 * that whoever shows a certificate of theirs is told that it is expired, and not that it is unknown. Never throws.
 *
 * @param title The object, for messages, for example `ConfigMap "clients-ca"`.
 * @param now Milliseconds since the epoch.
 */
export function readCaBundle(entry: Entry, title: string, key: string, now: number): CaBundle {
  const pem = new Set<string>()
  const messages: string[] = []
  const say = (message: string) => messages.push(`${title}: ${message}`)
  const blocks = entry.kind === 'bytes' ? inspectPem(textOf(entry.bytes)) : []
  if (blocks.length === 0) say(whyNone(entry, key))
  for (const [index, block] of blocks.entries()) {
    if (block.kind === 'unreadable') {
      say(`${key}: certificate ${index + 1} cannot be read: ${block.reason}; write it again or remove it`)
      continue
    }
    const { facts, notBefore, notAfter, anatomy } = block.certificate
    pem.add(block.certificate.pem)
    if (now > notAfter)
      say(`${key}: the CA "${facts.subject}" expired at ${facts.notAfter}; put its successor beside it`)
    else if (now < notBefore)
      say(`${key}: the CA "${facts.subject}" is not valid before ${facts.notBefore}; check the clock`)
    else if (!facts.isCa && !(anatomy.version === 1 && facts.isSelfSigned))
      say(`${key}: "${facts.subject}" is not the certificate of a CA; put the CA that issued it in its place`)
  }
  const list = [...pem]
  const sha256 = list.length > 0 ? createHash('sha256').update(list.join('')).digest('hex') : ''
  return { pem: list, sha256, messages }
}

const KEPT = '; the last good CA certificates are still in service'

/** What is in service after `found` came: a bundle without any certificate never takes the place of one with some. */
export function keepLastGood(before: CaBundle | undefined, found: CaBundle): CaBundle {
  if (found.pem.length > 0 || before === undefined || before.pem.length === 0) return found
  return { ...before, messages: found.messages.map((message) => message + KEPT) }
}

/** Whether what lies in the entry is not what is trusted: there is nothing, or an earlier version is kept. */
export const isBundleUnresolved = ({ pem, messages }: CaBundle): boolean =>
  pem.length === 0 || messages.some((message) => message.endsWith(KEPT))

/** Whether a bundle has at least one certificate and everything in it can be read. */
export function isWholeBundle(entry: Entry): boolean {
  const blocks = entry.kind === 'bytes' ? inspectPem(textOf(entry.bytes)) : []
  return blocks.length > 0 && blocks.every((block) => block.kind === 'certificate')
}
