import { text } from 'node:stream/consumers'
import { startChild } from '../child.ts'
import { repository } from '../runtime.ts'

/** Builds the image of the sources into an archive, as `npm run image` does. */
export async function buildImage(archive: string, tell: (line: string) => void): Promise<string> {
  const started = performance.now()
  const child = await startChild(['npm', 'run', '-s', 'image', '--', '--output', archive], { cwd: repository })
  const { stdin, stdout, stderr } = child.process
  if (stdin === null || stdout === null || stderr === null) throw new Error('a child without pipes')
  stdin.end()
  const [out, err, exit] = await Promise.all([text(stdout), text(stderr), child.exited])
  if (exit.code !== 0) throw new Error(`"npm run image" ended with ${exit.signal ?? exit.code}: ${err || out}`)
  tell(`the image was built in ${((performance.now() - started) / 1_000).toFixed(1)} s`)
  return archive
}
