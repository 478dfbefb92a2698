import { customResourceDefinition } from './crd.ts'
import { shapeOf } from './shape.ts'
import { fieldSchema, type StructuralSchema } from './structural.ts'
import { API_VERSION, KIND, socketServerSchema } from './v1alpha1/socket-server.ts'

type JsonSchema = Readonly<Record<string, unknown>>

/** What only the API server understands. */
const KUBERNETES_ONLY = /^x-kubernetes-/

/** The same schema for editors: closed objects, sets as unique items, and nothing that only the API server understands. */
function forEditors(schema: StructuralSchema): JsonSchema {
  const { properties, items, additionalProperties, format: _format, ...rest } = schema
  const kept = Object.entries(rest).filter(([key]) => !KUBERNETES_ONLY.test(key))
  return {
    ...(schema['x-kubernetes-int-or-string'] ? { type: ['string', 'integer'] } : {}),
    ...Object.fromEntries(kept),
    ...(schema['x-kubernetes-list-type'] === 'set' ? { uniqueItems: true } : {}),
    ...(items === undefined ? {} : { items: forEditors(items) }),
    ...(properties === undefined
      ? {}
      : {
          additionalProperties: false,
          properties: Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, forEditors(field)])),
        }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: forEditors(additionalProperties) }),
  }
}

/**
 * The contract as JSON Schema (draft 7): for editors and kubeconform. `kubectl apply -f crds/` reads every .json file, and would fail
 * for the sake of one that is no manifest; so this one is, too, a List with the definition that lies beside it, applied twice to the
 * same effect. An empty List would do for kubectl and break the schema: `items` is a keyword there, and may hold schemas but not none.
 * As `items` speaks of arrays, and a resource is an object, it has no say in validation.
 */
export function jsonSchemaText(): string {
  const root = shapeOf(socketServerSchema)
  const spec = root.kind === 'object' ? root.fields.get('spec') : undefined
  if (spec === undefined) throw new TypeError('the resource has no spec')
  return `${JSON.stringify(
    {
      $schema: 'http://json-schema.org/draft-07/schema#',
      $comment: 'Printed by "npm run generate" from the contract in crds/v1alpha1. Do not edit.',
      title: `${KIND} (${API_VERSION})`,
      description: root.description,
      type: 'object',
      required: ['apiVersion', 'kind', 'metadata', 'spec'],
      additionalProperties: false,
      properties: {
        apiVersion: { type: 'string', enum: [API_VERSION] },
        kind: { type: 'string', enum: [KIND] },
        metadata: { type: 'object', description: 'Name, namespace, labels and annotations of the resource.' },
        spec: forEditors(fieldSchema(spec, 'spec')),
        status: { type: 'object', description: 'What is reported about the resource; ignored in a manifest.' },
      },
      ...{ apiVersion: 'v1', kind: 'List', items: [customResourceDefinition()] },
    },
    null,
    2,
  )}\n`
}
