import type { TestProject } from 'vitest/node'
import { findPrograms } from './find-programs.ts'
import { ALL_PROGRAMS, BASE_PROGRAMS, type Program } from './programs.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Why there is no control plane; undefined when there is one. */
    readonly noControlPlane: string | undefined
    /** Why there is no controller manager and scheduler; undefined when they are there. */
    readonly noControllers: string | undefined
  }
}

const tell = (line: string) => process.stderr.write(`control plane: ${line}\n`)

/** Why programs of a control plane cannot be had, after every way was tried; undefined when they are there. */
export async function reasonWithout(programs: readonly Program[]): Promise<string | undefined> {
  try {
    await findPrograms(programs, tell)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/**
 * Runs once before the cluster suite: the programs are found, downloaded or built here, where it is shown how that goes and
 * no test waits for it.
 */
export async function setup(project: TestProject): Promise<void> {
  const noControlPlane = await reasonWithout(BASE_PROGRAMS)
  project.provide('noControlPlane', noControlPlane)
  const noControllers = noControlPlane ?? (await reasonWithout(ALL_PROGRAMS))
  project.provide('noControllers', noControllers)
  if (noControllers === undefined) return
  const what = noControlPlane === undefined ? 'TESTS WITH CONTROLLERS DO' : 'THE CLUSTER SUITE DOES'
  tell(`${what} NOT RUN: ${noControllers.replaceAll('\n', ' ')}`)
}
