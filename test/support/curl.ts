import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'

/** Why there is no `curl` to test with; undefined when there is. For `test.skipIf`. */
export const curlMissing: string | undefined =
  spawnSync('curl', ['--version']).status === 0 ? undefined : 'the program curl is not installed'

/** Runs curl, quiet and without any proxy, and returns what it printed. Rejects when curl ends with an error. */
export async function curl(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('curl', ['-sS', '--noproxy', '*', '--max-time', '10', ...args])
  return stdout
}
