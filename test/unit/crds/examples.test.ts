import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { listPatterns, listRules, SCHEMA_RULES } from '../../../crds/catalogue.ts'
import { parseSocketServer } from '../../../crds/index.ts'

const examples = new URL('../../../crds/examples/', import.meta.url)
const FIRST_LINE = /^# (rule|warning): (\S+) path: (\S+)\n/

function load(folder: string) {
  return readdirSync(new URL(folder, examples)).map((file) => {
    const text = readFileSync(new URL(`${folder}/${file}`, examples), 'utf8')
    const [, word, rule, path] = FIRST_LINE.exec(text) ?? []
    return { file, text, word, rule, path }
  })
}

const invalid = load('invalid')
const valid = load('valid')
const rules = listRules().map(({ rule }) => rule)

describe('examples', () => {
  test.each(invalid)('invalid/$file breaks the rule $rule at $path and no other', ({ file, text, rule, path }) => {
    expect(file).toBe(`${rule}.yaml`)
    const result = parseSocketServer(text)
    expect(result.ok ? [] : result.problems.map((problem) => [problem.rule, problem.path])).toEqual([[rule, path]])
  })

  test.each(valid)('valid/$file is accepted, with the warning it names or none', ({ text, rule, path }) => {
    const result = parseSocketServer(text)
    expect(result.ok ? [] : result.problems).toEqual([])
    expect(result.warnings.map((warning) => [warning.rule, warning.path])).toEqual(
      rule === undefined ? [] : [[rule, path]],
    )
  })

  test('each rule, pattern and kind of bound has an example, and each example a rule', () => {
    const refusing = [
      ...Object.keys(SCHEMA_RULES),
      ...listPatterns().flatMap((pattern) => [pattern.id, ...(pattern.variants ?? [])]),
      ...rules.filter(({ severity }) => severity === 'problem').map(({ id }) => id),
    ]
    expect(invalid.map(({ rule }) => rule).sort()).toEqual([...new Set(refusing)].sort())
    const warning = rules.filter(({ severity }) => severity === 'warning').map(({ id }) => id)
    expect(valid.flatMap(({ word, rule }) => (word === 'warning' ? [rule] : [])).sort()).toEqual(warning.sort())
  })

  test('rule ids are unique', () => {
    const ids = [...Object.keys(SCHEMA_RULES), ...listPatterns().map(({ id }) => id), ...rules.map(({ id }) => id)]
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
  })

  test('every problem of every example tells what is wrong, with the value in double quotes, and a cure', () => {
    for (const { text } of invalid) {
      const result = parseSocketServer(text)
      for (const { message, cure } of result.ok ? [] : result.problems) {
        expect(message.length, message).toBeGreaterThan(10)
        expect(cure.length, message).toBeGreaterThan(4)
        expect(`${message}${cure}`).not.toMatch(/undefined|\[object/)
      }
    }
  })
})
