import { dump } from 'js-yaml'
import { shapeOf } from './shape.ts'
import { fieldSchema, type StructuralSchema, structuralSchema } from './structural.ts'
import { API_VERSION, KIND, socketServerSchema, socketServerSpecSchema } from './v1alpha1/socket-server.ts'
import { statusSchema } from './v1alpha1/status.ts'

const [GROUP = '', VERSION = ''] = API_VERSION.split('/')

const condition = (type: string, field: string) => `.status.conditions[?(@.type=="${type}")].${field}`

/** What `kubectl get` shows; those of priority 1 with `-o wide`. */
const COLUMNS = [
  {
    name: 'Ready',
    type: 'string',
    jsonPath: condition('Ready', 'status'),
    description: 'Whether all is served as asked for.',
  },
  {
    name: 'Listeners',
    type: 'string',
    jsonPath: '.status.readyListeners',
    description: 'Listeners that listen in every ready pod, of all.',
  },
  {
    name: 'Hosts',
    type: 'integer',
    jsonPath: '.status.hosts',
    description: 'Enabled hosts, those of listeners included.',
  },
  { name: 'Clients', type: 'integer', jsonPath: '.status.clients', description: 'Clients connected, over all pods.' },
  // A date would be shown as the time since, which a time to come has none of.
  {
    name: 'Cert-Expires',
    type: 'string',
    jsonPath: '.status.nextCertificateExpiry',
    description: 'End of the certificate that ends first.',
  },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  {
    name: 'Address',
    type: 'string',
    priority: 1,
    jsonPath: '.status.address',
    description: 'Address clients connect to.',
  },
  {
    name: 'Message',
    type: 'string',
    priority: 1,
    jsonPath: condition('Ready', 'message'),
    description: 'Why it is ready, or is not.',
  },
]

/** The scale subresource, as soon as the specification has the field that it sets. */
function scale(spec: StructuralSchema): object {
  if (spec.properties?.['replicas'] === undefined) return {}
  return {
    scale: {
      specReplicasPath: '.spec.replicas',
      statusReplicasPath: '.status.replicas',
      labelSelectorPath: '.status.selector',
    },
  }
}

/**
 * The status of a resource that nobody has looked at. Generations begin with 1, so programs that wait for a resource by
 * kstatus see that it is not judged yet; one without any status they take for ready.
 */
const UNSEEN = { observedGeneration: 0 }

/** The schema of the resource as the API server takes it. */
function resourceSchema(): StructuralSchema {
  const root = shapeOf(socketServerSchema)
  if (root.kind !== 'object') throw new TypeError('the resource is no object')
  const text = (name: string): StructuralSchema => ({
    type: 'string',
    description: root.fields.get(name)?.description ?? '',
  })
  const spec = root.fields.get('spec')
  if (spec === undefined) throw new TypeError('the resource has no spec')
  return {
    type: 'object',
    description: root.description,
    required: ['spec'],
    properties: {
      apiVersion: text('apiVersion'),
      kind: text('kind'),
      // The API server has rules of its own for it.
      metadata: { type: 'object' },
      spec: fieldSchema(spec, 'spec'),
      status: { ...structuralSchema(shapeOf(statusSchema, 'status'), 'status', 'keys'), default: UNSEEN },
    },
  }
}

/**
 * The CustomResourceDefinition of the contract, as a plain object.
 * @throws {TypeError} When the contract cannot be structural, with the path.
 */
export function customResourceDefinition(): object {
  const schema = resourceSchema()
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `socketservers.${GROUP}` },
    spec: {
      group: GROUP,
      names: {
        kind: KIND,
        listKind: `${KIND}List`,
        plural: 'socketservers',
        singular: 'socketserver',
        shortNames: ['ics'],
        categories: ['icshosts'],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          additionalPrinterColumns: COLUMNS,
          subresources: { status: {}, ...scale(structuralSchema(shapeOf(socketServerSpecSchema), 'spec')) },
          schema: { openAPIV3Schema: schema },
        },
      ],
    },
  }
}

/** The definition as YAML: what `kubectl apply -f` takes. */
export function crdYaml(): string {
  return `# Printed by "npm run generate" from the contract in crds/v1alpha1. Do not edit.\n---\n${dump(
    customResourceDefinition(),
    { lineWidth: 120, noRefs: true },
  )}`
}
