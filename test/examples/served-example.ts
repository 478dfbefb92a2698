import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseSocketServer } from '../../crds/index.ts'
import { type EngineProcess, startEngine } from '../support/engine-process.ts'
import { freePort } from '../support/ports.ts'
import { repository } from '../support/runtime.ts'

/** An example whose every port is replaced by a free one, so that it can run beside anything else. */
export interface MovedExample {
  /** Serves it with throwaway certificates, and with the ConfigMaps of a directory. */
  serve(configMaps?: string): Promise<EngineProcess & { readonly ca: string }>
  /** The port that stands for the one written in the example. */
  port(written: number): number
}

/** Reads an example of `examples/` by its name without `.yaml`. */
export async function moveExample(name: string): Promise<MovedExample> {
  const parsed = parseSocketServer(await readFile(join(repository, 'examples', `${name}.yaml`)))
  if (!parsed.ok) throw new Error(`examples/${name}.yaml: ${JSON.stringify(parsed.problems, null, 2)}`)
  const ports = new Map<number, number>()
  const move = async (value: unknown): Promise<unknown> => {
    if (Array.isArray(value)) {
      const items: unknown[] = []
      // One after the other, so that a port that stands twice is replaced by the same one.
      for (const item of value) items.push(await move(item))
      return items
    }
    if (typeof value !== 'object' || value === null) return value
    const members: [string, unknown][] = []
    for (const [key, item] of Object.entries(value)) {
      if (key === 'port' && typeof item === 'number') {
        if (!ports.has(item)) ports.set(item, await freePort())
        members.push([key, ports.get(item)])
      } else members.push([key, await move(item)])
    }
    return Object.fromEntries(members)
  }
  const manifest = (await move(parsed.value)) as object
  return {
    port(written) {
      const port = ports.get(written)
      if (port === undefined) throw new Error(`examples/${name}.yaml has no port ${written}`)
      return port
    },
    async serve(configMaps) {
      const engine = await startEngine({
        manifest,
        args: ['--self-signed'],
        ...(configMaps === undefined ? {} : { configMaps }),
      })
      const warning = engine.lines.find((line) => line.message.startsWith('throwaway certificates'))
      const ca = warning === undefined ? '' : await readFile(String(warning['ca']), 'utf8')
      return Object.assign(engine, { ca })
    },
  }
}
