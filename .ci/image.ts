// npm run image: builds the image from the sources, with whichever builder of images works here.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { makeDist } from './bundle/dist.ts'
import { BUILDERS, type Builder, type BuilderName, findBuilder } from './image/builder.ts'
import { makeLocalBase } from './image/local-base.ts'
import { run } from './image/run.ts'

const root = join(import.meta.dirname, '..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const dockerfile = join(root, 'Dockerfile')
const [, usualBase = ''] = /^ARG BASE_IMAGE=(\S+)/m.exec(readFileSync(dockerfile, 'utf8')) ?? []

const HELP = `usage: npm run image [-- OPTIONS]

  --tag NAME:TAG   what the image is called (socketserver:${version})
  --base IMAGE     an image that holds Node 24.21 or later, or "local": made here of the locked Node, on Linux x86-64
                   (${usualBase}; local where it cannot be pulled)
  --builder NAME   docker, podman or buildah (the first that works here)
  --output FILE    writes the image into a file too, for "ctr -n k8s.io images import FILE" and "docker load -i FILE"
  -h, --help       print this help
`

const tell = (line: string) => process.stdout.write(`${line}\n`)

const OPTIONS = {
  tag: { type: 'string', default: `socketserver:${version}` },
  base: { type: 'string' },
  builder: { type: 'string' },
  output: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

const builderOf = (name: string | undefined): Builder => {
  if (name === undefined) return findBuilder()
  const known = BUILDERS.find((one): one is BuilderName => one === name)
  if (known === undefined)
    throw new Error(`the builder "${name}" is not known\nhint: give one of ${BUILDERS.join(', ')}`)
  return findBuilder([known])
}

/** Makes the base of the locked Node, and tells its name. */
const buildLocalBase = (builder: Builder, place: string): string => {
  const context = join(place, 'base')
  mkdirSync(context)
  const { version: node } = makeLocalBase(context)
  const file = join(place, 'Dockerfile.base')
  writeFileSync(file, 'FROM scratch\nCOPY . /\n')
  const tag = `localhost/socketserver-base:${node}`
  builder.build({ dockerfile: file, context, tag })
  tell(`made the base ${tag} of the locked Node`)
  return tag
}

const baseOf = (builder: Builder, wanted: string | undefined, place: string): string => {
  if (wanted === 'local') return buildLocalBase(builder, place)
  const image = wanted ?? usualBase
  const why = builder.obtain(image)
  if (why === undefined) return image
  if (wanted !== undefined) throw new Error(`the base "${image}" cannot be pulled: ${why}`)
  tell(`the base ${image} cannot be pulled (${why})`)
  return buildLocalBase(builder, place)
}

/** What is known of the sources by git, where they come from it. */
const gitFacts = (): Record<string, string> => {
  const { isGood, out } = run(['git', '-C', root, 'log', '-1', '--format=%H %cI'])
  const [revision = '', created = ''] = out.trim().split(' ')
  return isGood ? { REVISION: revision, CREATED: created } : { CREATED: new Date().toISOString() }
}

const buildImage = async (): Promise<void> => {
  const { values } = parseArgs({ options: OPTIONS })
  if (values.help === true) {
    process.stdout.write(HELP)
    return
  }
  const builder = builderOf(values.builder)
  const place = mkdtempSync(join(tmpdir(), 'socketserver-image-'))
  try {
    const base = baseOf(builder, values.base, place)
    const context = join(place, 'context')
    await makeDist(join(context, 'dist'))
    const buildArgs = { BASE_IMAGE: base, VERSION: version, ...gitFacts() }
    builder.build({ dockerfile, context, tag: values.tag, buildArgs })
    tell(`${builder.name} built ${builder.fullTag(values.tag)} on ${base}`)
    if (values.output === undefined) return
    const file = resolve(values.output)
    builder.save(values.tag, file)
    tell(`wrote ${file}, ${Math.round(statSync(file).size / 1e6)} MB`)
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

await buildImage().catch((error: Error) => {
  process.stderr.write(`Cannot build the image: ${error.message}\n`)
  process.exitCode = 1
})
