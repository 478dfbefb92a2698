import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { withLock } from './build-lock.ts'
import type { Environment } from './cache.ts'
import { runGo } from './go.ts'

/** A program that Go builds. */
export interface GoProgram {
  readonly name: string
  readonly version: string
  readonly package: string
  /** Variables of packages that the linker sets. */
  readonly stamps: Readonly<Record<string, string>>
}

const linkerFlags = (stamps: GoProgram['stamps']): string =>
  ['-s', '-w', ...Object.entries(stamps).map(([name, value]) => `-X ${name}=${value}`)].join(' ')

/**
 * Builds the programs that the directory lacks, from the Go module in `modulesDirectory`. A program appears in one step when it is complete. Of builds into the same
 * directory that start together, one works and the others wait.
 */
export async function buildGoPrograms(
  directory: string,
  modulesDirectory: string,
  programs: readonly GoProgram[],
  tell: (line: string) => void,
  environment: Environment,
): Promise<void> {
  const missing = () => programs.filter(({ name }) => !existsSync(join(directory, name)))
  if (missing().length === 0) return
  const waitingSince = performance.now()
  let told = 0
  const onWait = (holder: string) => {
    const seconds = Math.round((performance.now() - waitingSince) / 1_000)
    if (told++ % 10 === 0) tell(`waiting for the build of ${holder} (${seconds} s)`)
  }
  await withLock(`${directory}.lock`, onWait, async () => {
    await mkdir(directory, { recursive: true })
    const todo = missing()
    for (const [index, program] of todo.entries()) {
      const what = `${program.name} ${program.version} from Go modules (${index + 1} of ${todo.length})`
      tell(`building ${what}`)
      const draft = join(directory, `.${program.name}.${randomUUID()}`)
      // Each compiler and linker may take more than a gigabyte.
      const atOnce = `-p=${Math.min(availableParallelism(), 4)}`
      const args = [atOnce, '-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', linkerFlags(program.stamps)]
      const started = performance.now()
      try {
        await runGo(['build', ...args, '-o', draft, program.package], {
          directory: modulesDirectory,
          environment,
          onProgress: (seconds) => tell(`still building ${what}, ${seconds} s`),
        })
        await rename(draft, join(directory, program.name))
      } finally {
        await rm(draft, { force: true })
      }
      tell(`built ${what} in ${Math.round((performance.now() - started) / 1_000)} s`)
    }
  })
}
