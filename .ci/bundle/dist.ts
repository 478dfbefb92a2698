import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BundledPackage, bundledPackages, licenceText } from './licences.ts'
import { bundleModules } from './modules.ts'
import { sbom } from './sbom.ts'

const root = join(import.meta.dirname, '../..')

/** Where images without a shell have their Node; no other program is needed to start by this line. */
const LAUNCHER = "#!/nodejs/bin/node\nimport './sidecar/bin.js'\n"

/** Files the programs read, or that go with them. */
const FILES = ['LICENSE', 'sidecar/bin.js', 'examples/quickstart.yaml']

/**
 * Makes a directory that runs by itself with any Node that fits: programs, licences, bill of materials. What was in it
 * is removed first.
 *
 * @returns the packages of which it holds code
 * @throws when a package comes without its licence, or npm cannot write the bill
 */
export async function makeDist(directory: string): Promise<readonly BundledPackage[]> {
  rmSync(directory, { recursive: true, force: true })
  const packages = bundledPackages(await bundleModules(directory))
  for (const name of FILES) cpSync(join(root, name), join(directory, name))
  const { name, version, description, license, type } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as Readonly<Record<string, string>>
  const written = {
    'package.json': `${JSON.stringify({ name, version, description, license, type }, null, 2)}\n`,
    'THIRD-PARTY-LICENSES': licenceText(packages),
    'sbom.cdx.json': sbom(),
    socketserver: LAUNCHER,
  }
  for (const [file, text] of Object.entries(written)) writeFileSync(join(directory, file), text)
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true }))
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() || entry.name === 'socketserver' ? 0o755 : 0o644)
  return packages
}
