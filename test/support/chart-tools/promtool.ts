import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CommandResult, runProgram } from '../control-plane/run-program.ts'

/** Runs promtool on files that are written for it, in a directory of their own. */
export async function promtool(
  args: readonly string[],
  files: Readonly<Record<string, unknown>>,
): Promise<CommandResult> {
  const directory = mkdtempSync(join(tmpdir(), 'socketserver-promtool-'))
  try {
    // JSON is YAML.
    for (const [name, content] of Object.entries(files))
      await writeFile(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content))
    const given = Object.keys(files).at(-1) ?? ''
    return await runProgram(['promtool', ...args, join(directory, given)], { env: { PATH: process.env['PATH'] ?? '' } })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
