import { describe, expect, test } from 'vitest'
import { forbiddenImports, importsOf } from './imports.ts'
import { sourceFiles } from './source.ts'

for (const file of sourceFiles(['crds/', 'sidecar/', 'operator/', 'charts/'])) {
  test(`${file.path} imports only what its folder may`, () => {
    expect(forbiddenImports(file)).toEqual([])
  })
}

describe('the checker', () => {
  const planted = {
    'a folder above': ['sidecar/engine/a.ts', "import { b } from '../handlers/b.ts'"],
    'a folder above, as a type': ['sidecar/engine/a.ts', "import type { B } from '../handlers/b.ts'"],
    'a value where types are allowed': ['sidecar/engine/a.ts', "import { type A, b } from '../../crds/index.ts'"],
    'a re-export': ['sidecar/base/a.ts', "export { b } from '../engine/b.ts'"],
    'a re-export of all': ['sidecar/base/a.ts', "export * from '../engine/b.ts'"],
    'an import for its effect': ['crds/a.ts', "import '../sidecar/base/b.ts'"],
    'an import over lines': ['crds/a.ts', "import {\n  b,\n} from '../sidecar/base/b.ts'"],
    'a dynamic import': ['sidecar/base/a.ts', "await import('../control/b.ts')"],
    'a package': ['sidecar/engine/a.ts', "import { z } from 'zod'"],
    'a module of node where none may be': ['sidecar/engine/a.ts', "import fs from 'fs'"],
    'a file read by the engine': ['sidecar/engine/a.ts', "import { readFile } from 'node:fs/promises'"],
    'the engine from the operator': ['operator/main.ts', "import { engine } from '../sidecar/engine/engine.ts'"],
    'a test': ['sidecar/cli.ts', "import { x } from '../test/support/x.ts'"],
  } as const
  for (const [name, [path, text]] of Object.entries(planted)) {
    test(`finds ${name}`, () => {
      expect(forbiddenImports({ path, text })).toHaveLength(1)
    })
  }

  const allowed = {
    'its own folder': ['sidecar/engine/tls/a.ts', "import { b } from '../b.ts'"],
    'a folder below': ['sidecar/handlers/a.ts', "import { b } from '../base/b.ts'"],
    'types where types are allowed': ['sidecar/engine/a.ts', "import type { A } from '../../crds/index.ts'"],
    'inline types': ['sidecar/engine/a.ts', "import { type A, type B } from '../../crds/index.ts'"],
    'a module of node': ['sidecar/engine/a.ts', "import { connect } from 'node:tls'"],
    'an import in a comment': ['sidecar/base/a.ts', "// import { b } from '../engine/b.ts'"],
    'a path of a package': ['crds/a.ts', "import { z } from 'zod/v4'"],
  } as const
  for (const [name, [path, text]] of Object.entries(allowed)) {
    test(`lets pass ${name}`, () => {
      expect(forbiddenImports({ path, text })).toEqual([])
    })
  }

  test('reads every form of import', () => {
    const text =
      "import a, { b } from './1.ts'\nimport type { C } from './2.ts'\nimport * as d from './3.ts'\nimport './4.ts'"
    expect(importsOf(text)).toEqual([
      { specifier: './1.ts', typesOnly: false, line: 1 },
      { specifier: './2.ts', typesOnly: true, line: 2 },
      { specifier: './3.ts', typesOnly: false, line: 3 },
      { specifier: './4.ts', typesOnly: false, line: 4 },
    ])
  })
})
