import { execFileSync } from 'node:child_process'
import { createReadStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { repository } from './runtime.ts'

/** What an image says of the processes it is for. */
interface ImageConfig {
  readonly User: string
  readonly Env: readonly string[]
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[]
  readonly Healthcheck?: { readonly Test: readonly string[] }
  readonly Labels: Readonly<Record<string, string>>
}

/** An image that was built, and unpacked where it can be looked at. */
export interface UnpackedImage extends Disposable {
  /** Its names, as a cluster knows them. */
  readonly tags: readonly string[]
  readonly config: ImageConfig
  /** Its files. */
  readonly root: string
  /** Bytes of it compressed, or somewhat more. */
  compressedBytes(): Promise<number>
}

/** Runs `npm run image` with a storage of its own, and unpacks what it writes. Removed when disposed. */
export function buildUnpackedImage(tag: string): UnpackedImage {
  const place = mkdtempSync(join(tmpdir(), 'socketserver-image-test-'))
  const dispose = () => rmSync(place, { recursive: true, force: true })
  try {
    const archive = join(place, 'image.tar')
    // Without mounts, which would outlive the test.
    const storage = ['[storage]', 'driver = "vfs"', `graphroot = "${place}/storage"`, `runroot = "${place}/run"`, '']
    writeFileSync(join(place, 'storage.conf'), storage.join('\n'))
    execFileSync(process.execPath, ['.ci/image.ts', '--base', 'local', '--tag', tag, '--output', archive], {
      cwd: repository,
      env: { ...process.env, CONTAINERS_STORAGE_CONF: join(place, 'storage.conf') },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const unpacked = join(place, 'archive')
    const root = join(place, 'root')
    for (const directory of [unpacked, root]) mkdirSync(directory)
    execFileSync('tar', ['-xf', archive, '-C', unpacked])
    const read = <T>(name: string) => JSON.parse(readFileSync(join(unpacked, name), 'utf8')) as T
    const [manifest] = read<readonly { Config: string; RepoTags: string[]; Layers: string[] }[]>('manifest.json')
    if (manifest === undefined) throw new Error('the archive holds no image')
    for (const layer of manifest.Layers) execFileSync('tar', ['-xf', join(unpacked, layer), '-C', root])
    return {
      tags: manifest.RepoTags,
      config: read<{ config: ImageConfig }>(manifest.Config).config,
      root,
      async compressedBytes() {
        let bytes = 0
        const gzip = createReadStream(archive).pipe(createGzip({ level: 1 }))
        gzip.on('data', (chunk: Buffer) => {
          bytes += chunk.length
        })
        await finished(gzip)
        return bytes
      },
      [Symbol.dispose]: dispose,
    }
  } catch (error) {
    dispose()
    const { stderr } = error as { stderr?: Buffer }
    throw new Error(`the image was not built: ${error}\n${stderr ?? ''}`, { cause: error })
  }
}

// What a runtime of containers makes: a root that cannot be written, with /proc, /dev, a temporary directory and the
// configuration mounted into it. All mounts end with the namespace.
const ISOLATE = `
root=$1; config=$2; user=$3; shift 3
set -e
mkdir -p "$root/proc" "$root/dev" "$root/etc/socketserver/config"
mount --make-rprivate /
mount --bind "$root" "$root"
mount --bind "$config" "$root/etc/socketserver/config"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -o remount,bind,ro "$root"
exec chroot --userspec="$user" "$root" "$@"
`

/** Whether this machine lets us make a namespace of mounts, as containers need one. */
export function canIsolate(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'mount', '--make-rprivate', '/'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Program and arguments that run words in the image as its user, with `config` at /etc/socketserver/config. */
export function inImage({ root, config }: UnpackedImage, directory: string, words: readonly string[]) {
  const isolated = ['unshare', '--mount', 'sh', '-c', ISOLATE, 'image', root, directory, config.User] as const
  return ['env', '-i', ...config.Env, ...isolated, ...words] as const
}
