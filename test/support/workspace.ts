import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Contents by file name, for example `{ 'tls.crt': pem, 'tls.key': pem }`. */
export type Files = Readonly<Record<string, string | Buffer>>

/** A directory of one test, shaped as the command expects it; removed when disposed. */
export interface Workspace extends AsyncDisposable {
  readonly path: string
  readonly secrets: string
  readonly configMaps: string
  /** Where `writeManifest` writes. */
  readonly manifest: string
  /** Replaces the manifest in one step. An object is written as JSON, which is YAML too. */
  writeManifest(manifest: object | string): Promise<void>
  /** Writes a file anywhere below the directory and returns its path. */
  write(name: string, content: string | Buffer): Promise<string>
  /** Writes `<secrets>/<name>/<file>` as plain files, one after the other, as `cp` does. */
  copySecret(name: string, files: Files): Promise<void>
  /** Writes `<configmaps>/<name>/<file>` as plain files. */
  copyConfigMap(name: string, files: Files): Promise<void>
  /** Writes or replaces a Secret as the kubelet does: a directory per version, one swap of the link `..data`, and the old one is gone. */
  mountSecret(name: string, files: Files): Promise<void>
  /** Writes or replaces a ConfigMap as the kubelet does. */
  mountConfigMap(name: string, files: Files): Promise<void>
  removeSecret(name: string): Promise<void>
}

async function copyInto(directory: string, files: Files): Promise<void> {
  await mkdir(directory, { recursive: true })
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content)
}

let versions = 0

async function mountInto(directory: string, files: Files): Promise<void> {
  versions += 1
  const version = `..2026_01_01_00_00_00.${versions}`
  await copyInto(join(directory, version), files)
  await symlink(version, join(directory, '..data_tmp'))
  await rename(join(directory, '..data_tmp'), join(directory, '..data'))
  for (const entry of await readdir(directory)) {
    const isStale = entry.startsWith('..2026') ? entry !== version : !entry.startsWith('..') && !(entry in files)
    if (isStale) await rm(join(directory, entry), { recursive: true })
  }
  const linked = new Set(await readdir(directory))
  for (const name of Object.keys(files))
    if (!linked.has(name)) await symlink(join('..data', name), join(directory, name))
}

/** Makes an empty workspace in the system's directory for temporary files. */
export async function createWorkspace(): Promise<Workspace> {
  const path = await mkdtemp(join(tmpdir(), 'socketserver-test-'))
  const secrets = join(path, 'secrets')
  const configMaps = join(path, 'configmaps')
  const manifest = join(path, 'socketserver.yaml')
  await mkdir(secrets)
  await mkdir(configMaps)
  return {
    path,
    secrets,
    configMaps,
    manifest,
    async writeManifest(content) {
      await writeFile(`${manifest}.tmp`, typeof content === 'string' ? content : JSON.stringify(content, null, 2))
      await rename(`${manifest}.tmp`, manifest)
    },
    async write(name, content) {
      const file = join(path, name)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, content)
      return file
    },
    copySecret: (name, files) => copyInto(join(secrets, name), files),
    copyConfigMap: (name, files) => copyInto(join(configMaps, name), files),
    mountSecret: (name, files) => mountInto(join(secrets, name), files),
    mountConfigMap: (name, files) => mountInto(join(configMaps, name), files),
    removeSecret: (name) => rm(join(secrets, name), { recursive: true, force: true }),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}
