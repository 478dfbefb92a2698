import { describe, expect, test } from 'vitest'
import { misplaced } from './only-here.ts'
import { sourceFiles } from './source.ts'

const files = sourceFiles()

test('process, console, the present time, the API client and Bun are used only where they may be', () => {
  expect(files.flatMap(misplaced)).toEqual([])
})

describe('the checker', () => {
  const planted = {
    'an exit': ['sidecar/engine/a.ts', 'process.exit(1)'],
    'a signal handler': ['sidecar/control/a.ts', "process.on('SIGTERM', stop)"],
    'a line on the console': ['crds/a.ts', 'console.log(1)'],
    'the present time': ['sidecar/engine/a.ts', 'const now = Date.now()'],
    'the present as a date': ['operator/a.ts', 'const now = new Date()'],
    'the present as a date, shortly': ['operator/a.ts', 'const now = new Date'],
    'the API client': ['operator/reconcile/a.ts', "import { KubeConfig } from '@kubernetes/client-node'"],
    'the global of Bun': ['sidecar/engine/a.ts', 'Bun.listen({})'],
    'a module of Bun': ['sidecar/engine/a.ts', "import { test } from 'bun:test'"],
  } as const
  for (const [name, [path, text]] of Object.entries(planted)) {
    test(`finds ${name}`, () => {
      expect(misplaced({ path, text })).toHaveLength(1)
    })
  }

  const allowed = {
    'an exit of the command': ['sidecar/cli.ts', 'process.exit(1)'],
    'the clock': ['sidecar/base/clock.ts', 'Date.now()'],
    'a date of a certificate': ['sidecar/certificates/a.ts', 'new Date(certificate.validTo)'],
    'a word in a comment': ['sidecar/engine/a.ts', '// never process.exit here'],
    'a word in a string': ['sidecar/engine/a.ts', "const hint = 'console.log'"],
    'the API client in its place': ['operator/kube/a.ts', "import { KubeConfig } from '@kubernetes/client-node'"],
    'the console of a test': ['test/support/a.ts', 'console.log(Date.now())'],
  } as const
  for (const [name, [path, text]] of Object.entries(allowed)) {
    test(`lets pass ${name}`, () => {
      expect(misplaced({ path, text })).toEqual([])
    })
  }
})
