import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { startChild } from '../child.ts'
import { downloadedDirectory, type Environment } from './cache.ts'
import { BASE_PROGRAMS, minorOf, newestPatch, type WantedVersion } from './programs.ts'

/** The index of ready-made archives that setup-envtest reads, too. */
const INDEX = 'https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml'

/** A network that answers does so in less; one that drops packets would else hold up every run. */
const ANSWER_MS = 4_000
/** For the whole of an archive of some 60 MB; a slower line is better served by building. */
const DOWNLOAD_MS = 300_000

interface Archive {
  readonly hash: string
  readonly selfLink: string
}

interface Index {
  readonly releases?: Readonly<Record<string, Readonly<Record<string, Archive>>>>
}

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  ppc64: 'ppc64le',
  s390x: 's390x',
}

/** Fetches what an address holds; gives up when the first bytes are late, and when the whole is. */
async function fetchBytes(url: string): Promise<Buffer> {
  const giveUp = new AbortController()
  const late = setTimeout(() => giveUp.abort(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS)
  try {
    const response = await fetch(url, { signal: AbortSignal.any([giveUp.signal, AbortSignal.timeout(DOWNLOAD_MS)]) })
    clearTimeout(late)
    if (!response.ok) throw new Error(`status ${response.status}`)
    return Buffer.from(await response.arrayBuffer())
  } catch (error) {
    const { message, cause } = error as Error & { cause?: Error }
    throw new Error(`"${url}" gave nothing: ${cause?.message ?? message}`)
  } finally {
    clearTimeout(late)
  }
}

async function unpack(archive: Buffer, directory: string): Promise<void> {
  const tar = await startChild(['tar', '-xz', '--strip-components=2', '-C', directory])
  const { stdin, stdout, stderr } = tar.process
  let said = ''
  stdout?.resume()
  stderr?.on('data', (chunk) => {
    said += chunk
  })
  stdin?.end(archive)
  if (stdin !== null) await once(stdin, 'close').catch(() => {})
  const { code } = await tar.exited
  if (code !== 0) throw new Error(`tar could not unpack the archive: ${said.trim()}`)
}

/**
 * Downloads what every control plane needs, as setup-envtest does, and resolves with the directory in the cache.
 * `ENVTEST_INDEX` names another index, and switches downloads off when it is empty. Rejects, within seconds when the
 * network does not answer, with the reason.
 */
export async function downloadPrograms(
  cache: string,
  wanted: WantedVersion,
  environment: Environment,
  tell: (line: string) => void,
): Promise<string> {
  const address = environment['ENVTEST_INDEX'] ?? INDEX
  if (address === '') throw new Error('ENVTEST_INDEX is empty, which switches downloads off')
  const { releases = {} } = (load((await fetchBytes(address)).toString()) ?? {}) as Index
  const fitting = Object.keys(releases).filter((version) => minorOf(version) === wanted.minor && !version.includes('-'))
  const version = wanted.patch !== undefined && fitting.includes(wanted.patch) ? wanted.patch : newestPatch(fitting)
  if (version === undefined || (wanted.exact && version !== wanted.patch))
    throw new Error(`"${address}" lists no archive of Kubernetes ${wanted.patch ?? wanted.minor}`)
  const directory = downloadedDirectory(cache, version)
  const complete = () => BASE_PROGRAMS.every((program) => existsSync(join(directory, program)))
  if (complete()) return directory
  const name = `envtest-${version}-${process.platform}-${ARCHITECTURES[process.arch] ?? process.arch}.tar.gz`
  const archive = releases[version]?.[name]
  if (archive === undefined) throw new Error(`"${address}" lists no ${name}`)
  tell(`downloading ${name}`)
  const bytes = await fetchBytes(archive.selfLink)
  if (createHash('sha512').update(bytes).digest('hex') !== archive.hash)
    throw new Error(`${archive.selfLink} is damaged: its SHA-512 is not the one in the index`)
  const draft = join(cache, `.${version}-envtest.${randomUUID()}`)
  try {
    await mkdir(draft, { recursive: true })
    await unpack(bytes, draft)
    await rename(draft, directory).catch((error: unknown) => {
      // Another run that downloads the same may have been faster.
      if (!complete()) throw error
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return directory
}
