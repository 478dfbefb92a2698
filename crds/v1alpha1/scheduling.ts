import * as z from 'zod'
import { asSet, boundedMap } from '../rules.ts'
import type { DeepReadonly } from '../units.ts'

const EXPRESSION_OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const
const NODE_OPERATORS = [...EXPRESSION_OPERATORS, 'Gt', 'Lt'] as const

const labelKey = () => z.string().min(1).max(317).describe('Key of the label.')

const values = () =>
  asSet(z.array(z.string().max(63).describe('Value of the label.')).max(64))
    .default([])
    .describe('Values of the label. Empty: for the operators that need none.')

const weight = () => z.int().min(1).max(100).describe('How much the preference counts, 1 to 100.')

const labelSelectorSchema = z
  .strictObject({
    matchLabels: boundedMap(32, 63).default({}).describe('Labels a pod must have. Absent: none.'),
    matchExpressions: z
      .array(
        z
          .strictObject({
            key: labelKey(),
            operator: z.enum(EXPRESSION_OPERATORS).describe('How the label is compared with the values.'),
            values: values(),
          })
          .describe('One condition on a label.'),
      )
      .max(32)
      .default([])
      .describe('Conditions on labels, all of which must hold. Empty: none.'),
  })
  .describe('Selects objects by their labels.')

const nodeRequirement = (what: string) =>
  z
    .strictObject({
      key: labelKey(),
      operator: z.enum(NODE_OPERATORS).describe('How it is compared with the values.'),
      values: values(),
    })
    .describe(`One condition on ${what} of a node.`)

const nodeTermSchema = z
  .strictObject({
    matchExpressions: z
      .array(nodeRequirement('a label'))
      .max(32)
      .default([])
      .describe('Conditions on labels of the node, all of which must hold. Empty: none.'),
    matchFields: z
      .array(nodeRequirement('a field'))
      .max(32)
      .default([])
      .describe('Conditions on fields of the node, all of which must hold. Empty: none.'),
  })
  .describe('Which nodes fit.')

const podTermSchema = z
  .strictObject({
    topologyKey: z.string().min(1).max(317).describe('Label of nodes by which places are told apart.'),
    labelSelector: labelSelectorSchema.optional().describe('Which pods are meant. Absent: none.'),
    namespaces: asSet(z.array(z.string().min(1).max(63).describe('Name of a namespace.')).max(64))
      .default([])
      .describe('Namespaces of the pods that are meant. Empty: the namespace of this resource.'),
    namespaceSelector: labelSelectorSchema
      .optional()
      .describe('Namespaces of the pods that are meant, by their labels. Absent: those of namespaces.'),
  })
  .describe('Pods and the places they are in.')

const podAffinity = (what: string) =>
  z
    .strictObject({
      requiredDuringSchedulingIgnoredDuringExecution: z
        .array(podTermSchema)
        .max(16)
        .default([])
        .describe(`Pods ${what}, without exception. Empty: none.`),
      preferredDuringSchedulingIgnoredDuringExecution: z
        .array(
          z
            .strictObject({ weight: weight(), podAffinityTerm: podTermSchema })
            .describe('Pods and how much they count.'),
        )
        .max(16)
        .default([])
        .describe(`Pods ${what}, where that can be had. Empty: none.`),
    })
    .describe(`Pods ${what}.`)

export const affinitySchema = z
  .strictObject({
    nodeAffinity: z
      .strictObject({
        requiredDuringSchedulingIgnoredDuringExecution: z
          .strictObject({
            nodeSelectorTerms: z
              .array(nodeTermSchema)
              .min(1)
              .max(16)
              .describe('Kinds of nodes, one of which it must be.'),
          })
          .optional()
          .describe('Nodes the pods must run on. Absent: any.'),
        preferredDuringSchedulingIgnoredDuringExecution: z
          .array(
            z.strictObject({ weight: weight(), preference: nodeTermSchema }).describe('Nodes and how much they count.'),
          )
          .max(16)
          .default([])
          .describe('Nodes the pods run on where that can be had. Empty: any.'),
      })
      .optional()
      .describe('Nodes the pods are to run on. Absent: any.'),
    podAffinity: podAffinity('to run beside').optional().describe('Pods to run beside. Absent: none.'),
    podAntiAffinity: podAffinity('to run apart from').optional().describe('Pods to run apart from. Absent: none.'),
  })
  .describe('Where the pods run, as in a pod.')

export const tolerationSchema = z
  .strictObject({
    key: z.string().max(317).optional().describe('Key of the taint. Absent: every key, with the operator Exists.'),
    operator: z
      .enum(['Exists', 'Equal'])
      .default('Equal')
      .describe('Exists: any value of the taint. Equal: the value. Absent: Equal.'),
    value: z.string().max(63).optional().describe('Value of the taint. Absent: the empty one.'),
    effect: z
      .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
      .optional()
      .describe('Effect of the taint. Absent: every effect.'),
    tolerationSeconds: z
      .int()
      .min(0)
      .max(2147483647)
      .optional()
      .describe('Seconds a pod stays on a node with a taint of the effect NoExecute. Absent: for ever.'),
  })
  .describe('A taint of nodes that the pods put up with, as in a pod.')

export const topologySpreadSchema = z
  .strictObject({
    maxSkew: z
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe('How many pods more one place may have than another, 1 to 1000. Absent: 1.'),
    topologyKey: z
      .string()
      .min(1)
      .max(317)
      .describe('Label of nodes by which places are told apart, for example topology.kubernetes.io/zone.'),
    whenUnsatisfiable: z
      .enum(['DoNotSchedule', 'ScheduleAnyway'])
      .default('ScheduleAnyway')
      .describe(
        'What happens with a pod that would break the rule. DoNotSchedule: it waits. ScheduleAnyway: it runs. Absent: ScheduleAnyway.',
      ),
    minDomains: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .describe('Places there must be at least, 1 to 1000; with DoNotSchedule. Absent: 1.'),
  })
  .describe('How the pods of this resource are spread over places; its pods are meant, so it has no selector.')

/** Where pods run, as in a pod. */
export type Affinity = DeepReadonly<z.infer<typeof affinitySchema>>

/** A taint of nodes that pods put up with. */
export type Toleration = DeepReadonly<z.infer<typeof tolerationSchema>>
