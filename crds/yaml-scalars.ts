import { defineScalarTag, mapTag, mergeTag, NOT_RESOLVED, Schema, seqTag, strTag } from 'js-yaml'

const TRUE = ['true', 'True', 'TRUE', 'y', 'Y', 'yes', 'Yes', 'YES', 'on', 'On', 'ON']
const FALSE = ['false', 'False', 'FALSE', 'n', 'N', 'no', 'No', 'NO', 'off', 'Off', 'OFF']
const NULL = ['', '~', 'null', 'Null', 'NULL']
const INFINITE = new Map(
  ['.inf', '.Inf', '.INF'].flatMap((text): [string, number][] => [
    [text, Infinity],
    [`+${text}`, Infinity],
    [`-${text}`, -Infinity],
  ]),
)
const NOT_A_NUMBER = ['.nan', '.NaN', '.NAN']
const INTEGER = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/

/** Reads a number as go-yaml 2 does: base prefixes, a leading 0 as octal, "_" anywhere but in front; undefined when it is none. */
function numberOf(source: string): number | undefined {
  if (!/^[-+.0-9]/.test(source)) return undefined
  const plain = source.replaceAll('_', '')
  const integer = INTEGER.exec(plain)
  if (integer !== null) {
    const digits = integer[2] ?? ''
    // JavaScript knows 0x, 0b and 0o; a bare leading 0 is octal here, and adding 0 makes -0 plain 0.
    const value = Number(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits.toLowerCase())
    return (integer[1] === '-' ? -value : value) + 0
  }
  if (FLOAT.test(plain)) {
    const value = Number(plain) + 0
    // What overflows stays text.
    return Number.isFinite(value) ? value : undefined
  }
  if (NOT_A_NUMBER.includes(source)) return Number.NaN
  return INFINITE.get(source)
}

const never = () => false

const nullTag = defineScalarTag<null>('tag:yaml.org,2002:null', {
  implicit: true,
  resolve: (source) => (NULL.includes(source) ? null : NOT_RESOLVED),
  identify: never,
})

const boolTag = defineScalarTag<boolean>('tag:yaml.org,2002:bool', {
  implicit: true,
  resolve: (source) => (TRUE.includes(source) ? true : FALSE.includes(source) ? false : NOT_RESOLVED),
  identify: never,
})

const intTag = defineScalarTag<number>('tag:yaml.org,2002:int', {
  implicit: true,
  resolve: (source) => numberOf(source) ?? NOT_RESOLVED,
  identify: never,
})

const floatTag = defineScalarTag<number>('tag:yaml.org,2002:float', {
  resolve: (source) => numberOf(source) ?? NOT_RESOLVED,
  identify: never,
})

const timestampTag = defineScalarTag<string>('tag:yaml.org,2002:timestamp', {
  resolve: (source) => source,
  identify: never,
})

const binaryTag = defineScalarTag<string>('tag:yaml.org,2002:binary', {
  resolve: (source) => Buffer.from(source, 'base64').toString('utf8'),
  identify: never,
})

/** The scalars of kubectl's YAML reader (sigs.k8s.io/yaml on go-yaml 2). */
export const KUBERNETES_SCHEMA = new Schema([
  strTag,
  seqTag,
  mapTag,
  nullTag,
  boolTag,
  intTag,
  floatTag,
  timestampTag,
  binaryTag,
  mergeTag,
])
