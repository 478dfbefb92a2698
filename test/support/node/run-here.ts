import { runProgram } from '../control-plane/run-program.ts'

const env = { PATH: process.env['PATH'] ?? '' }

/** Runs a command of this machine to its end. @throws with its output when it fails. */
export async function runHere(command: readonly [string, ...string[]]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(command, { env })
  if (code !== 0) throw new Error(`"${command.join(' ')}" ended with ${code}: ${stderr || stdout}`)
  return stdout
}
