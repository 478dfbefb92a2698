import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { startChild } from '../child.ts'
import { repository } from '../runtime.ts'

/**
 * Builds the image of the sources into an archive, as `npm run image` does. Podman and Buildah keep what they build beside the
 * archive, without mounts, so that it goes when that directory does.
 */
export async function buildImage(archive: string, tell: (line: string) => void): Promise<string> {
  const started = performance.now()
  const place = dirname(archive)
  const configuration = join(place, 'storage.conf')
  const storage = ['[storage]', 'driver = "vfs"', `graphroot = "${place}/storage"`, `runroot = "${place}/run"`, '']
  await writeFile(configuration, storage.join('\n'))
  // Where a base can be made here, no registry is waited for.
  const base = process.arch === 'x64' ? ['--base', 'local'] : []
  const child = await startChild(['npm', 'run', '-s', 'image', '--', ...base, '--output', archive], {
    cwd: repository,
    env: { ...process.env, CONTAINERS_STORAGE_CONF: configuration },
  })
  const { stdin, stdout, stderr } = child.process
  if (stdin === null || stdout === null || stderr === null) throw new Error('a child without pipes')
  stdin.end()
  const [out, err, exit] = await Promise.all([text(stdout), text(stderr), child.exited])
  if (exit.code !== 0) throw new Error(`"npm run image" ended with ${exit.signal ?? exit.code}: ${err || out}`)
  tell(`the image was built in ${((performance.now() - started) / 1_000).toFixed(1)} s`)
  return archive
}
