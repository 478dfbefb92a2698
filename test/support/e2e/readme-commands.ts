import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../runtime.ts'

/** The blocks of shell commands in a section of the README, as they are printed there. @throws when there are none. */
export function readmeCommands(heading: string): readonly string[] {
  const text = readFileSync(join(repository, 'README.md'), 'utf8')
  const [, section] = text.split(`\n## ${heading}\n`)
  const blocks = [...(section?.split('\n## ')[0] ?? '').matchAll(/^```sh\n(.*?)^```$/gms)].map(
    ([, block]) => block ?? '',
  )
  if (blocks.length === 0) throw new Error(`the section "${heading}" of the README has no commands`)
  return blocks
}
