import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { currentReference, REFERENCE, referenceOf } from '../../../../.ci/reference.ts'
import * as library from '../../../../sidecar/index.ts'

test('the reference of the library is complete and up to date', { timeout: 120_000 }, () => {
  const { text, undocumented, names } = currentReference()
  expect(undocumented).toEqual([])
  // What exists while a program runs is there whatever the generator believes.
  expect(names).toEqual(expect.arrayContaining(Object.keys(library)))
  for (const name of names) expect(text).toContain(`### ${name}\n`)
  expect(readFileSync(REFERENCE, 'utf8'), 'run "npm run docs"').toBe(text)
})

test('the generator finds what has no docstring, and leaves out what is internal', () => {
  const directory = mkdtempSync(join(tmpdir(), 'socketserver-reference-'))
  const write = (name: string, ...lines: string[]) => writeFileSync(join(directory, name), lines.join('\n'))
  write('index.d.ts', "export { A, type B as C } from './a.ts';", "export { f } from './a.ts';")
  write(
    'a.d.ts',
    '/** An A. See {@link B}. */',
    'export declare class A {',
    '    #private;',
    '    /** Says so. */',
    '    readonly said: string;',
    '    silent(one: number): void;',
    '    /** @internal */',
    '    hidden(): void;',
    '}',
    'export interface B {',
    '    /** A number. */',
    '    readonly b: {',
    '        readonly deep: number;',
    '    };',
    '}',
    '/**',
    ' * Does f.',
    ' * @param x What.',
    ' * @throws {TypeError} When.',
    ' */',
    'export declare function f(x: string): void;',
  )
  const { text, undocumented, names } = referenceOf(join(directory, 'index.d.ts'))
  expect(names).toEqual(['A', 'C', 'f'])
  expect(undocumented).toEqual(['A.silent', 'C'])
  expect(text).toContain('An A. See `B`.')
  expect(text).toContain('silent(one: number): void')
  expect(text).toContain('    readonly deep: number;')
  expect(text).toContain('* `x`: What.')
  expect(text).toContain('* *throws* `TypeError`: When.')
  expect(text).not.toContain('hidden')
})
