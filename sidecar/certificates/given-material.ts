import type { Entry } from './load.ts'

/** Files of a Secret or ConfigMap by their names, as text. */
export type GivenFiles = Readonly<Record<string, string>>

/** Files as they were given at some time. */
interface Given {
  readonly version: number
  readonly files: GivenFiles
}

/**
 * Secrets and ConfigMaps that are given in memory instead of in directories: for a program that gets its certificates
 * from elsewhere. A name that is given is not looked for in a directory.
 */
export class GivenMaterial {
  #versions = 0
  readonly #given = new Map<string, Given>()

  /** Gives or replaces the files of one Secret or ConfigMap. */
  give(kind: 'Secret' | 'ConfigMap', name: string, files: GivenFiles): void {
    this.#versions += 1
    this.#given.set(`${kind}/${name}`, { version: this.#versions, files })
  }

  /** What is given under a name; undefined when nothing is. */
  find(kind: 'Secret' | 'ConfigMap', name: string): Given | undefined {
    return this.#given.get(`${kind}/${name}`)
  }
}

/** The files as entries, in the order of their names. */
export function givenEntries({ files }: Given, names: readonly string[]): readonly Entry[] {
  return names.map((name): Entry => {
    const text = files[name]
    return text === undefined ? { kind: 'missing' } : { kind: 'bytes', bytes: Buffer.from(text) }
  })
}
