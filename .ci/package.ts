// Makes package/ (or the directory that is given), the package that is published: JavaScript instead of TypeScript, because
// Node strips types everywhere but below node_modules. `npm pack ./package` or `npm install ./package` takes it from there.
import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = join(import.meta.dirname, '..')
const place = resolve(process.argv[2] ?? join(root, 'package'))

/** `./sidecar/index.ts` as it is called in the package. */
const compiled = (path: string) => path.replace(/\.ts$/, '.js')

const source = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, string>>
  readonly [key: string]: unknown
}
const { scripts: _scripts, devDependencies: _devDependencies, private: _private, ...kept } = source
const exported = Object.entries(source.exports).map(([name, path]) => [
  name,
  path.endsWith('.ts') ? { types: path.replace(/\.ts$/, '.d.ts'), default: compiled(path) } : path,
])

rmSync(place, { recursive: true, force: true })
execFileSync(
  process.execPath,
  [join(root, 'node_modules/.bin/tsc'), '-p', join(root, '.ci/tsconfig.json'), '--outDir', place],
  {
    stdio: 'inherit',
  },
)
writeFileSync(
  join(place, 'package.json'),
  `${JSON.stringify({ ...kept, exports: Object.fromEntries(exported) }, null, 2)}\n`,
)
const printed = ['socketservers.yaml', 'socketserver.schema.json', 'REFERENCE.md'].map((name) => `crds/${name}`)
const pictures = ['sidecar/way-of-a-connection.svg', 'operator/way-of-a-change.svg']
for (const name of ['README.md', ...pictures, 'LICENSE', 'CHANGELOG.md', 'examples', 'sidecar/bin.js', ...printed])
  cpSync(join(root, name), join(place, name), {
    recursive: true,
    filter: (path) => !/\/examples\/(?:secrets|configmaps)$/.test(path),
  })
