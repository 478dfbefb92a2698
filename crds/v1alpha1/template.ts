import * as z from 'zod'
import { asMapBy, attachRules, boundedMap, quantityMap } from '../rules.ts'
import { type DeepReadonly, objectName } from '../units.ts'
import { TEMPLATE_RULES } from './rules/template-rules.ts'
import { affinitySchema, tolerationSchema, topologySpreadSchema } from './scheduling.ts'

const resourcesSchema = z
  .strictObject({
    requests: quantityMap(16)
      .default({ cpu: '100m', memory: '128Mi' })
      .describe(
        'What each engine is sure to get, for example { cpu: 500m, memory: 256Mi }. Absent: cpu 100m and memory 128Mi.',
      ),
    limits: quantityMap(16)
      .default({})
      .describe('What each engine gets at the most, for example { memory: 512Mi }. Absent: no limit.'),
  })
  .describe('Computing resources of each engine, as in a container. Absent: every member at its default.')

export const templateSchema = z
  .strictObject({
    labels: boundedMap(32, 63)
      .default({})
      .describe(
        'More labels of the pods, at most 32. Those of app.kubernetes.io/ and icshosts.io/ are set already. Absent: none.',
      ),
    annotations: boundedMap(64, 4096).default({}).describe('More annotations of the pods, at most 64. Absent: none.'),
    resources: resourcesSchema.prefault({}),
    nodeSelector: boundedMap(32, 63)
      .default({})
      .describe('Labels a node must have for the pods to run there, at most 32. Absent: any node.'),
    tolerations: z
      .array(tolerationSchema)
      .max(32)
      .default([])
      .describe('Taints of nodes that the pods put up with, at most 32. Empty: none.'),
    affinity: affinitySchema.optional().describe('Where the pods run, as in a pod. Absent: anywhere.'),
    topologySpreadConstraints: z
      .array(topologySpreadSchema)
      .max(8)
      .optional()
      .describe(
        'How the pods are spread, at most 8. Empty: not at all. Absent: evenly over nodes where that can be had.',
      ),
    priorityClassName: objectName()
      .optional()
      .describe('PriorityClass of the pods. Absent: the default one of the cluster.'),
    imagePullSecrets: asMapBy(
      z
        .array(
          z
            .strictObject({ name: objectName().describe('Name of the Secret, in the same namespace.') })
            .describe('A Secret with credentials of an image registry.'),
        )
        .max(8),
      'name',
    )
      .default([])
      .describe('Secrets with credentials of image registries, at most 8. Empty: none.'),
    terminationGracePeriodSeconds: z
      .int()
      .min(1)
      .max(7200)
      .optional()
      .describe(
        'Seconds a pod has to end, 1 to 7200. Absent: what timeouts.drainSeconds needs, with 10 more for the rest.',
      ),
  })
  .describe(
    'What the pods have beside the engine; means nothing outside a cluster. Absent: every member at its default.',
  )

attachRules(templateSchema, TEMPLATE_RULES)

/** What the pods have beside the engine. */
export type PodTemplate = DeepReadonly<z.infer<typeof templateSchema>>
