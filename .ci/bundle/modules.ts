import { join } from 'node:path'
import { rolldown } from 'rolldown'

const root = join(import.meta.dirname, '../..')

/** Programs that start by their own path; the launcher and the supervisor of workers find them where the checkout has them. */
const PROGRAMS = ['sidecar/cli', 'sidecar/worker', 'operator/main']

/**
 * Bundles the programs below a directory: each at its place in the checkout, what they share in `chunks/`. Names stay
 * as they are written, so that the stack of a defect can be read.
 *
 * @returns paths of the modules that the bundle holds, absolute
 * @throws when something that is imported is not there
 */
export async function bundleModules(directory: string): Promise<string[]> {
  const bundle = await rolldown({
    cwd: root,
    input: Object.fromEntries(PROGRAMS.map((program) => [program, `${program}.ts`])),
    platform: 'node',
    onLog(level, log, handle) {
      // An import that cannot be resolved is otherwise left to fail at the customer's.
      if (log.code === 'UNRESOLVED_IMPORT' || log.code === 'MISSING_EXPORT') throw new Error(log.message)
      handle(level, log)
    },
  })
  try {
    const { output } = await bundle.write({
      dir: directory,
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: 'chunks/[name].js',
    })
    return output.flatMap((part) => (part.type === 'chunk' ? part.moduleIds : []))
  } finally {
    await bundle.close()
  }
}
