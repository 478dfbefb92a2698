import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repository } from './runtime.ts'

/** What `npm run build` makes, where nothing of the checkout can be reached. */
export interface Dist extends Disposable {
  readonly path: string
  /** The launcher, with the present Node before it. */
  readonly command: readonly [string, string]
}

/** Runs the build into a directory for temporary files; removed when disposed. */
export function buildDist(): Dist {
  const place = mkdtempSync(join(tmpdir(), 'socketserver-dist-'))
  const path = join(place, 'dist')
  execFileSync(process.execPath, ['.ci/build.ts', '--output', path], {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return {
    path,
    command: [process.execPath, join(path, 'sidecar/bin.js')],
    [Symbol.dispose]: () => rmSync(place, { recursive: true, force: true }),
  }
}
