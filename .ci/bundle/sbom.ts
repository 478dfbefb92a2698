import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

interface Lock {
  readonly packages: Record<string, Record<string, unknown>>
}

const readJson = <T>(name: string): T => JSON.parse(readFileSync(join(root, name), 'utf8')) as T

/** What only development needs, and the Node that comes with a checkout: an image has its own. */
const withoutOthers = ({ devDependencies: _dev, optionalDependencies: _optional, ...kept }: Record<string, unknown>) =>
  kept

/**
 * The bill of materials that `npm sbom` writes (CycloneDX, JSON) for the locked production dependencies. npm leaves out of
 * `--omit dev` what a development dependency needs too, zod for one: so it is shown a project that has none.
 *
 * @throws when npm cannot be run, or finds the lock file wrong
 */
export function sbom(): string {
  const place = mkdtempSync(join(tmpdir(), 'socketserver-sbom-'))
  try {
    const lock = readJson<Lock>('package-lock.json')
    const packages = { ...lock.packages, '': withoutOthers(lock.packages[''] ?? {}) }
    const directory = join(place, 'socketserver')
    mkdirSync(directory)
    writeFileSync(join(directory, 'package.json'), JSON.stringify(withoutOthers(readJson('package.json'))))
    writeFileSync(join(directory, 'package-lock.json'), JSON.stringify({ ...lock, packages }))
    const args = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application']
    return execFileSync('npm', args, { cwd: directory, encoding: 'utf8', maxBuffer: 1 << 26 })
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}
