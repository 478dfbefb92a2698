import { GRADES, LISTENER_STATES } from '../../crds/index.ts'
import type { EngineReport } from './facts.ts'

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

class Unexpected extends Error {}

const text = (from: Json, name: string, most: number): string => {
  const value = from[name]
  if (typeof value !== 'string') throw new Unexpected(`${name} is no text`)
  return value.slice(0, most)
}

const count = (from: Json, name: string, most = 2147483647): number => {
  const value = from[name]
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > most)
    throw new Unexpected(`${name} is no count`)
  return value
}

const oneOf = <T extends string>(from: Json, name: string, values: readonly T[]): T => {
  const value = values.find((one) => one === from[name])
  if (value === undefined) throw new Unexpected(`${name} is none of ${values.join(', ')}`)
  return value
}

const list = <T>(from: Json, name: string, most: number, read: (item: Json) => T): T[] => {
  const value = from[name]
  if (!Array.isArray(value)) throw new Unexpected(`${name} is no list`)
  return value.slice(0, most).map((item) => {
    if (!isObject(item)) throw new Unexpected(`an entry of ${name} is no object`)
    return read(item)
  })
}

const texts = (from: Json, name: string, most: number, length: number): string[] => {
  const value = from[name]
  if (!Array.isArray(value)) throw new Unexpected(`${name} is no list`)
  return value.slice(0, most).map((item) => String(item).slice(0, length))
}

/**
 * Reads what an engine answers on `/status`: only what is known, within the bounds of the contract, so that an engine of another
 * version, or one that went wrong, costs nothing but its own report.
 *
 * @throws Error when it is no status of this SocketServer, with the cause
 */
export function readReport(value: unknown, name: string, namespace: string): EngineReport {
  if (!isObject(value)) throw new Unexpected('the answer is no object')
  if (value['name'] !== name || value['namespace'] !== namespace)
    throw new Unexpected(`it is the engine of "${String(value['namespace'])}/${String(value['name'])}"`)
  return {
    configHash: text(value, 'configHash', 64),
    ready: value['ready'] === true,
    configurationError: value['configurationError'] === undefined ? '' : text(value, 'configurationError', 1024),
    recheck: value['recheck'] === undefined ? '' : text(value, 'recheck', 4096),
    clients: count(value, 'clients'),
    listeners: list(value, 'listeners', 64, (item) => ({
      name: text(item, 'name', 63),
      state: oneOf(item, 'state', LISTENER_STATES),
      address: text(item, 'address', 45),
      port: count(item, 'port', 65535),
      readyPods: count(item, 'readyPods'),
      clients: count(item, 'clients'),
      error: text(item, 'error', 1024),
    })),
    icsHosts: list(value, 'icsHosts', 576, (item) => ({
      hostTag: text(item, 'hostTag', 63),
      grade: oneOf(item, 'grade', GRADES),
      messages: texts(item, 'messages', 32, 1024),
      certificates: list(item, 'certificates', 4, (one) => ({
        secretName: text(one, 'secretName', 253),
        subject: text(one, 'subject', 1024),
        names: texts(one, 'names', 100, 253),
        issuer: text(one, 'issuer', 1024),
        serialNumber: text(one, 'serialNumber', 64),
        sha256: text(one, 'sha256', 64),
        keyType: text(one, 'keyType', 32),
        notBefore: text(one, 'notBefore', 32),
        notAfter: text(one, 'notAfter', 32),
        grade: oneOf(one, 'grade', GRADES),
        lastKnownGood: one['lastKnownGood'] === true,
      })),
    })),
    unresolved:
      value['unresolved'] === undefined
        ? []
        : list(value, 'unresolved', 1024, (item) => ({
            kind: text(item, 'kind', 63),
            name: text(item, 'name', 253),
            message: text(item, 'message', 1024),
          })),
  }
}
