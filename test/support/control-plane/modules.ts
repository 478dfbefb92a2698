import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Environment, newestKept } from './cache.ts'
import { runGo } from './go.ts'
import { minorOf, newestPatch, type WantedVersion } from './programs.ts'

const OWN = join(import.meta.dirname, 'build')

/** A Go module from which the programs of one Kubernetes are built: a directory with go.mod, go.sum and tools.go. */
export interface Modules {
  /** For example `v1.37.2`. */
  readonly version: string
  readonly directory: string
}

/**
 * A module in this repository; default: the one of the control plane, whose version is the one that tests run on when
 * nothing else is asked for.
 */
export function pinnedModules(directory: string = OWN): Modules {
  const version = /^\s*k8s\.io\/kubernetes (v\S+)/m.exec(readFileSync(join(directory, 'go.mod'), 'utf8'))?.[1]
  if (version === undefined)
    throw new Error(`${directory}/go.mod does not require k8s.io/kubernetes: restore that line`)
  return { version, directory }
}

/** Names what is built from a module: its version, and the hash of everything its builds download and of its own programs. */
export function modulesKey({ version, directory }: Modules): string {
  const hash = createHash('sha256').update(readFileSync(join(directory, 'go.sum')))
  for (const program of globSync('*/*.go', { cwd: directory }).sort())
    hash.update(readFileSync(join(directory, program)))
  return `${version}-${hash.digest('hex').slice(0, 12)}`
}

const generatedDirectory = (cache: string, version: string) => join(cache, 'modules', version)

/** The module that fits and is there already: the one of the repository, else one generated before. */
export async function knownModules(cache: string, wanted: WantedVersion): Promise<Modules | undefined> {
  const pinned = pinnedModules()
  if (pinned.version === wanted.patch) return pinned
  const version = await newestKept(join(cache, 'modules'), '', wanted)
  if (version === undefined || !existsSync(join(generatedDirectory(cache, version), 'go.sum'))) return undefined
  return { version, directory: generatedDirectory(cache, version) }
}

/** The go.mod for a release, made from the release's own: its staging modules are replaced by their published ones. */
export function moduleText(version: string, upstream: string): string {
  const line = (pattern: RegExp) => pattern.exec(upstream)?.[1]
  const etcd = line(/^\s*go\.etcd\.io\/etcd\/client\/v3 (v\S+)/m)
  const staging = [...upstream.matchAll(/^\s*(?:replace )?(k8s\.io\/\S+) => \.\/staging\//gm)].map((match) => match[1])
  if (etcd === undefined || staging.length === 0) {
    throw new Error(`the go.mod of Kubernetes ${version} is not as expected: it lacks etcd or its staging modules`)
  }
  const godebug = line(/^godebug (default=\S+)/m)
  return [
    'module socketserver.invalid/control-plane',
    `go ${line(/^go (\S+)/m) ?? '1.24'}`,
    ...(godebug === undefined ? [] : [`godebug ${godebug}`]),
    `require (\n\tgo.etcd.io/etcd/server/v3 ${etcd}\n\tk8s.io/kubernetes ${version}\n)`,
    `replace (\n${staging.map((name) => `\t${name} => ${name} ${version.replace(/^v1\./, 'v0.')}`).join('\n')}\n)`,
    '',
  ].join('\n\n')
}

async function newestPublished(minor: string, environment: Environment): Promise<string> {
  const { stdout } = await runGo(['list', '-m', '-versions', 'k8s.io/kubernetes'], { directory: OWN, environment })
  const fitting = stdout
    .trim()
    .split(/\s+/)
    .filter((version) => /^v\d+\.\d+\.\d+$/.test(version) && minorOf(version) === minor)
  const newest = newestPatch(fitting)
  if (newest === undefined) throw new Error(`there is no release of Kubernetes ${minor} among the Go modules`)
  return newest
}

/** The module for what is wanted, generated below the cache (by Go, over the network) when there is none. */
export async function modulesFor(cache: string, wanted: WantedVersion, environment: Environment): Promise<Modules> {
  const known = await knownModules(cache, wanted)
  if (known !== undefined) return known
  const version = wanted.patch ?? (await newestPublished(wanted.minor, environment))
  const directory = generatedDirectory(cache, version)
  await mkdir(join(cache, 'modules'), { recursive: true })
  const draft = await mkdtemp(join(cache, 'modules', '.draft-'))
  try {
    const { stdout } = await runGo(['mod', 'download', '-json', `k8s.io/kubernetes@${version}`], {
      directory: OWN,
      environment,
    })
    const { GoMod } = JSON.parse(stdout) as { GoMod: string }
    await writeFile(join(draft, 'go.mod'), moduleText(version, await readFile(GoMod, 'utf8')))
    await copyFile(join(OWN, 'tools.go'), join(draft, 'tools.go'))
    await runGo(['mod', 'tidy'], { directory: draft, environment })
    await rename(draft, directory).catch((error: unknown) => {
      if (!existsSync(join(directory, 'go.sum'))) throw error
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return { version, directory }
}
