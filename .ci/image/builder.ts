import { rmSync } from 'node:fs'
import { mustRun, run } from './run.ts'

/** Names of programs that build images, in the order in which they are tried. */
export const BUILDERS = ['docker', 'podman', 'buildah'] as const

/** One of {@link BUILDERS}. */
export type BuilderName = (typeof BUILDERS)[number]

/** What an image is built from. */
export interface Build {
  readonly dockerfile: string
  /** The directory that `COPY` copies from. */
  readonly context: string
  readonly tag: string
  readonly buildArgs?: Readonly<Record<string, string>>
}

const PROBES: Readonly<Record<BuilderName, readonly string[]>> = {
  // The client alone builds nothing.
  docker: ['version', '--format', '{{.Server.Version}}'],
  podman: ['info'],
  buildah: ['info'],
}

const INSPECT: Readonly<Record<BuilderName, readonly string[]>> = {
  docker: ['image', 'inspect'],
  podman: ['image', 'exists'],
  buildah: ['inspect', '--type', 'image'],
}

/** A program that builds images, as it works on this machine. */
export class Builder {
  readonly name: BuilderName
  readonly #words: readonly string[]

  constructor(name: BuilderName, globals: readonly string[]) {
    this.name = name
    this.#words = [name, ...globals]
  }

  /** Makes the image available; tells why it cannot be had, or nothing. */
  obtain(image: string): string | undefined {
    if (run([...this.#words, ...INSPECT[this.name], image]).isGood) return undefined
    const { isGood, reason } = run([...this.#words, 'pull', image])
    return isGood ? undefined : reason
  }

  /** @throws when it cannot be built, with the words of the builder */
  build({ dockerfile, context, tag, buildArgs = {} }: Build): void {
    const args = Object.entries(buildArgs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`])
    // The format of OCI has no health check.
    const format = this.name === 'docker' ? [] : ['--format', 'docker']
    mustRun([...this.#words, 'build', ...format, ...args, '-f', dockerfile, '-t', this.fullTag(tag), context], {
      BUILDAH_ISOLATION: process.env['BUILDAH_ISOLATION'] ?? 'chroot',
    })
  }

  /**
   * Writes an image into a file that `docker load`, `podman load` and `ctr images import` read. A file that is there is replaced.
   *
   * @throws when it cannot be written
   */
  save(tag: string, file: string): void {
    rmSync(file, { force: true })
    const name = this.fullTag(tag)
    const words: Readonly<Record<BuilderName, readonly string[]>> = {
      docker: ['save', '-o', file, name],
      podman: ['save', '--format', 'docker-archive', '-o', file, name],
      buildah: ['push', name, `docker-archive:${file}:${name}`],
    }
    mustRun([...this.#words, ...words[this.name]])
  }

  /** What a cluster takes a short name for; without Docker's help it would become `localhost/...`. */
  fullTag(tag: string): string {
    return tag.includes('/') || this.name === 'docker' ? tag : `docker.io/library/${tag}`
  }
}

/** A builder that works here, or why it does not. */
function tryBuilder(name: BuilderName): Builder | string {
  const { isGood, reason } = run([name, ...PROBES[name]])
  if (isGood) return new Builder(name, [])
  if (name === 'docker' || reason === 'not installed') return reason
  // In a container there is often no overlay.
  const globals = ['--storage-driver', 'vfs']
  return run([name, ...globals, ...PROBES[name]]).isGood ? new Builder(name, globals) : reason
}

/**
 * The first builder that works here, of all or of those named.
 *
 * @throws when none does, with the reason of each and the cure
 */
export function findBuilder(names: readonly BuilderName[] = BUILDERS): Builder {
  const reasons: string[] = []
  for (const name of names) {
    const found = tryBuilder(name)
    if (found instanceof Builder) return found
    reasons.push(`${name}: ${found}`)
  }
  throw new Error(
    `no program here builds images (${reasons.join('; ')})\n` +
      'hint: install one of docker, podman and buildah; on Debian: apt-get install --no-install-recommends buildah',
  )
}
