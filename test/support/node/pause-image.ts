import { createHash } from 'node:crypto'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from '../control-plane/run-program.ts'

/** Name of the image of a pod's sandbox. No registry has it, and none is asked. */
export const PAUSE_IMAGE = 'socketserver.invalid/pause:1'

/** What the image's architecture is called, by Node's word for it. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64' }

async function tar(args: readonly string[]): Promise<void> {
  const { code, stderr } = await runProgram(['tar', ...args], { env: { PATH: process.env['PATH'] ?? '' } })
  if (code !== 0) throw new Error(`"tar ${args.join(' ')}" ended with ${code}: ${stderr}`)
}

/** Writes an image that holds the program `pause` and nothing else, as an archive that containerd imports. */
export async function writePauseImage(pause: string, directory: string): Promise<string> {
  const layer = join(directory, 'layer')
  const image = join(directory, 'image')
  await mkdir(layer, { recursive: true })
  await mkdir(image, { recursive: true })
  await copyFile(pause, join(layer, 'pause'))
  await tar(['-cf', join(image, 'layer.tar'), '-C', layer, 'pause'])
  const digest = createHash('sha256')
    .update(await readFile(join(image, 'layer.tar')))
    .digest('hex')
  const config = {
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    os: 'linux',
    config: { Entrypoint: ['/pause'], User: '65535:65535' },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
  }
  await writeFile(join(image, 'config.json'), JSON.stringify(config))
  const manifest = [{ Config: 'config.json', RepoTags: [PAUSE_IMAGE], Layers: ['layer.tar'] }]
  await writeFile(join(image, 'manifest.json'), JSON.stringify(manifest))
  const archive = join(directory, 'pause.tar')
  await tar(['-cf', archive, '-C', image, 'manifest.json', 'config.json', 'layer.tar'])
  return archive
}
