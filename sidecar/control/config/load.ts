import { type FileHandle, open, readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SocketServerError } from '../../base/errors.ts'

/** What one file may hold; the contract reads no more. A cluster takes half of it for one resource. */
export const MAX_MANIFEST_BYTES = 3 * 1024 * 1024

/** Files one run takes from directories; more is taken for the wrong directory. */
const MAX_FILES = 10_000

/** The text of one file. */
export interface ManifestFile {
  /** As the user wrote it, or what was found below it; `-` for standard input. */
  readonly path: string
  readonly text: string
}

const isManifestName = (name: string): boolean => /\.(ya?ml|json)$/i.test(name) && !name.startsWith('.')

const unreadable = (detail: string, hint: string, cause?: unknown): SocketServerError =>
  new SocketServerError('SS_INPUT_UNREADABLE', detail, { hint, cause })

const ERRNO_CURES: Readonly<Record<string, readonly [found: string, hint: string]>> = {
  ENOENT: ['does not exist', 'look at the path, it is relative to the current directory'],
  ENOTDIR: ['leads through something that is not a directory', 'look at the path'],
  EACCES: ['may not be read by this user', 'give this user the right to read the file and to enter its directory'],
  EPERM: ['may not be read by this user', 'give this user the right to read the file and to enter its directory'],
  ELOOP: ['is a symbolic link that leads to itself', 'look at the link'],
  EMFILE: ['cannot be opened, too many files are open', 'raise the limit with ulimit -n'],
}

const errnoError = (path: string, error: unknown): SocketServerError => {
  if (error instanceof SocketServerError) return error
  const code = (error as NodeJS.ErrnoException).code ?? ''
  const [found, hint] = ERRNO_CURES[code] ?? [`fails (${(error as Error).message})`, 'look at the path']
  return unreadable(`"${path}" ${found}`, hint, error)
}

const tooLarge = (path: string, bytes: number | undefined): SocketServerError =>
  unreadable(
    `"${path}" holds ${bytes === undefined ? 'more' : `${bytes} bytes, more`} than the ${MAX_MANIFEST_BYTES} bytes a manifest may have`,
    'give a file with SocketServer manifests and nothing else',
  )

/** Decodes a manifest: UTF-8, with or without a byte order mark; anything else is called binary. */
const decode = (path: string, bytes: Buffer): string => {
  const binary = (found: string) =>
    unreadable(`"${path}" is not text in UTF-8 (${found})`, 'give a manifest in YAML or JSON, stored as UTF-8')
  const zero = bytes.indexOf(0)
  if (zero !== -1) throw binary(`a zero byte at offset ${zero}`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw binary('a byte sequence that UTF-8 does not have')
  }
}

// A regular file is refused by its size before a byte is read; a pipe or a device has no size and is read up to the limit.
const readHandle = async (path: string, file: FileHandle): Promise<Buffer> => {
  const facts = await file.stat()
  if (facts.isDirectory()) throw unreadable(`"${path}" is a directory`, 'give a file')
  if (facts.isFile() && facts.size > MAX_MANIFEST_BYTES) throw tooLarge(path, facts.size)
  const chunks: Buffer[] = []
  let total = 0
  for (;;) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(65_536), 0, 65_536, null)
    if (bytesRead === 0) return Buffer.concat(chunks)
    total += bytesRead
    if (total > MAX_MANIFEST_BYTES) throw tooLarge(path, undefined)
    chunks.push(buffer.subarray(0, bytesRead))
  }
}

/**
 * Reads one file of manifests within limits.
 *
 * @throws SocketServerError SS_INPUT_UNREADABLE, with the cause and the cure
 */
export const readManifestFile = async (path: string): Promise<ManifestFile> => {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    return { path, text: decode(path, await readHandle(path, file)) }
  } catch (error) {
    throw errnoError(path, error)
  } finally {
    await file?.close()
  }
}

/**
 * Reads manifests from standard input within the same limits.
 *
 * @throws SocketServerError SS_INPUT_UNREADABLE
 */
export const readManifestInput = async (input: AsyncIterable<Uint8Array>): Promise<ManifestFile> => {
  const chunks: Uint8Array[] = []
  let total = 0
  for await (const chunk of input) {
    total += chunk.length
    if (total > MAX_MANIFEST_BYTES) throw tooLarge('-', undefined)
    chunks.push(chunk)
  }
  return { path: '-', text: decode('-', Buffer.concat(chunks)) }
}

/**
 * Finds the one manifest file that `serve` is to take. A file is itself; a directory, as a mounted ConfigMap is one, is the
 * single `.yaml`, `.yml` or `.json` file in it (what begins with a dot is the kubelet's).
 *
 * @throws SocketServerError SS_INPUT_UNREADABLE
 */
export const resolveManifestPath = async (path: string): Promise<string> => {
  try {
    if (!(await stat(path)).isDirectory()) return path
    const names = (await readdir(path)).filter(isManifestName).sort()
    const [name] = names
    if (name === undefined) {
      throw unreadable(`the directory "${path}" has no .yaml, .yml or .json file`, 'give the file itself')
    }
    if (names.length > 1) {
      const list = names.map((one) => `"${one}"`).join(', ')
      throw unreadable(
        `the directory "${path}" has ${names.length} manifest files: ${list}`,
        'give one of the files itself',
      )
    }
    return join(path, name)
  } catch (error) {
    throw errnoError(path, error)
  }
}

/**
 * Finds every manifest file in the given files and directories, directories with all below them, in a stable order and each
 * file once. A symbolic link that closes a circle is followed once.
 *
 * @throws SocketServerError SS_INPUT_UNREADABLE
 */
export const findManifestFiles = async (paths: readonly string[]): Promise<readonly string[]> => {
  const found: string[] = []
  const seen = new Set<string>()
  const visit = async (path: string, isGiven: boolean): Promise<void> => {
    try {
      const facts = await stat(path)
      if (!facts.isDirectory()) {
        if (!isGiven && !facts.isFile()) return
        if (facts.isFile()) {
          const real = await realpath(path)
          if (seen.has(real)) return
          seen.add(real)
        }
        found.push(path)
        if (found.length > MAX_FILES) {
          throw unreadable(`more than ${MAX_FILES} files are found`, 'give the directory that holds the manifests')
        }
        return
      }
      const real = await realpath(path)
      if (seen.has(real)) return
      seen.add(real)
      const before = found.length
      const entries = await readdir(path, { withFileTypes: true })
      for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
        if (entry.name.startsWith('.')) continue
        const below = join(path, entry.name)
        // A link may lead to a directory under any name; one that leads nowhere is no manifest either.
        const isDirectory = entry.isDirectory() || (entry.isSymbolicLink() && (await leadsToDirectory(below)))
        if (isDirectory || isManifestName(entry.name)) await visit(below, false)
      }
      if (isGiven && found.length === before) {
        throw unreadable(
          `the directory "${path}" has no .yaml, .yml or .json file`,
          'give the directory that holds the manifests',
        )
      }
    } catch (error) {
      throw errnoError(path, error)
    }
  }
  for (const path of paths) await visit(path, true)
  return found
}

const leadsToDirectory = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}
