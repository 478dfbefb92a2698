import { join } from 'node:path'

/** The root of the repository. */
export const repository = join(import.meta.dirname, '../..')

/** What the engine's process runs on in this test run; `ENGINE_RUNTIME=bun` chooses Bun, the tests stay on Node. */
export const engineRuntime: 'node' | 'bun' = process.env.ENGINE_RUNTIME === 'bun' ? 'bun' : 'node'

/** Program and first arguments that run the real command. */
export function commandLine(runtime: 'node' | 'bun' = engineRuntime): readonly [string, ...string[]] {
  const program = runtime === 'bun' ? join(repository, 'node_modules/@oven/bun-linux-x64/bin/bun') : process.execPath
  return [program, join(repository, 'sidecar/cli.ts')]
}
