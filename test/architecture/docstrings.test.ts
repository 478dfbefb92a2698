import { describe, expect, test } from 'vitest'
import { undocumented } from './docstrings.ts'
import { sourceFiles } from './source.ts'

for (const file of sourceFiles(['crds/', 'sidecar/', 'operator/', 'charts/'])) {
  test(`every export of ${file.path} says what it is for`, () => {
    expect(undocumented(file)).toEqual([])
  })
}

describe('the checker', () => {
  const bare = [
    'export const a = 1',
    'export async function a() {}',
    'export interface a {}',
    'export type a = 1',
    'export class a {}',
  ]
  test.each(bare)('finds "%s" without a docstring', (text) => {
    expect(undocumented({ path: 'a.ts', text })).toHaveLength(1)
    expect(undocumented({ path: 'a.ts', text: `// a comment\n${text}` })).toHaveLength(1)
    expect(undocumented({ path: 'a.ts', text: `/** far */\n\n${text}` })).toHaveLength(1)
    expect(undocumented({ path: 'a.ts', text: `/** near */\n${text}` })).toEqual([])
    expect(undocumented({ path: 'a.ts', text: `/**\n * near\n */\n${text}` })).toEqual([])
  })

  test('takes a type for documented by the schema of the same name', () => {
    const text = '/** A host. */\nexport const Host = z.object({})\nexport type Host = z.infer<typeof Host>'
    expect(undocumented({ path: 'a.ts', text })).toEqual([])
  })

  test('takes a schema for documented by its type', () => {
    const text = 'export const hostSchema = z.object({})\n/** A host. */\nexport type Host = z.infer<typeof hostSchema>'
    expect(undocumented({ path: 'a.ts', text })).toEqual([])
  })

  test('takes a schema for documented by a description of its own, not of its members', () => {
    const member = "export const aSchema = z.strictObject({\n  b: z.string().describe('B.'),\n  })"
    expect(undocumented({ path: 'a.ts', text: `${member}\n` })).toHaveLength(1)
    const own = "export const aSchema = z\n  .strictObject({\n    b: z.string(),\n  })\n  .describe('A.')\n"
    expect(undocumented({ path: 'a.ts', text: own })).toEqual([])
  })
})
