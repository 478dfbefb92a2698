import { configHash } from '../identity.ts'
import { readManifestFile } from './load.ts'
import { selectManifest } from './select.ts'

/** What is compared: the file, its text when the server started, and what was taken from it. */
export interface DiskFacts {
  readonly path: string
  readonly text: string
  /** `metadata.name` of the SocketServer that runs. */
  readonly name: string
  readonly configHash: string
}

/**
 * Compares the configuration that runs with the one on disk. The returned function resolves with why they differ, and with
 * undefined while they say the same; it never rejects.
 */
export const createDiskCheck = (facts: DiskFacts): (() => Promise<string | undefined>) => {
  // Probes come every few seconds: a text that was judged is not judged again.
  let judged = { text: facts.text, verdict: undefined as string | undefined }
  return async () => {
    let text: string
    try {
      text = (await readManifestFile(facts.path)).text
    } catch (error) {
      return `the configuration on disk is not usable: ${(error as Error).message}`
    }
    if (text !== judged.text) judged = { text, verdict: judge(facts, text) }
    return judged.verdict
  }
}

const judge = (facts: DiskFacts, text: string): string | undefined => {
  try {
    const { manifest } = selectManifest({ path: facts.path, text }, facts.name)
    return configHash(manifest) === facts.configHash
      ? undefined
      : `the configuration in "${facts.path}" is another one than the one that runs`
  } catch (error) {
    return `the configuration on disk is not usable: ${(error as Error).message}`
  }
}
