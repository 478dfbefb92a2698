import { z } from 'zod'
import type { ValueEntry } from './value-comments.ts'
import { valuesSchema } from './values.ts'

interface Node {
  properties?: Record<string, Node>
  description?: string
  [key: string]: unknown
}

/** The schema that helm checks values with: closed, and with the comments of values.yaml as descriptions. */
export function valuesJsonSchema(entries: readonly ValueEntry[]): string {
  const root = z.toJSONSchema(valuesSchema, { target: 'draft-7', io: 'input' }) as Node
  for (const { path, comment } of entries) {
    const node = path.split('.').reduce<Node | undefined>((inner, key) => inner?.properties?.[key], root)
    if (node === undefined) throw new Error(`values.yaml has "${path}", which charts/values.ts does not`)
    node.description = comment
  }
  // What is not given has its default of values.yaml; nothing is required.
  const relaxed = (node: Node): Node => {
    const { required: _required, properties, ...rest } = node
    if (properties === undefined) return rest
    const inner = Object.entries(properties).map(([name, one]) => [name, relaxed(one)] as const)
    return { ...rest, properties: Object.fromEntries(inner) }
  }
  const schema = relaxed(root)
  // helm gives it to a chart that is part of another.
  schema.properties = { ...schema.properties, global: { type: 'object', description: 'Not used by this chart.' } }
  return `${JSON.stringify(schema, null, 2)}\n`
}
