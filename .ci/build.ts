// npm run build: bundles engine and operator into dist/, which runs by itself: node dist/sidecar/bin.js serve -f FILE
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { makeDist } from './bundle/dist.ts'

const HELP = `usage: npm run build [-- --output DIR]

  --output DIR  where the bundle goes; what is there is removed first (dist)
`

const read = () => {
  const { values } = parseArgs({ options: { output: { type: 'string' }, help: { type: 'boolean', short: 'h' } } })
  return values
}

try {
  const { output = join(import.meta.dirname, '../dist'), help } = read()
  if (help === true) process.stdout.write(HELP)
  else {
    const directory = resolve(output)
    const packages = await makeDist(directory)
    process.stdout.write(`${relative('', directory)}: ${packages.length} packages bundled\n`)
  }
} catch (error) {
  process.stderr.write(`Cannot build: ${(error as Error).message}\n${HELP}`)
  process.exitCode = 1
}
