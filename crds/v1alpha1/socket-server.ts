import * as z from 'zod'
import { DNS_LABEL } from '../patterns.ts'
import { asMapBy, attachRules } from '../rules.ts'
import { type DeepReadonly, objectName } from '../units.ts'
import { icsHostSchema } from './ics-host.ts'
import {
  accessSchema,
  bannerSchema,
  bannerTooBusySchema,
  maxClientsPerSourceSchema,
  maxClientsSchema,
  timeoutsSchema,
} from './limits.ts'
import { listenerSchema } from './listener.ts'
import { SPEC_RULES } from './rules/spec-rules.ts'
import { serviceSchema } from './service.ts'
import { templateSchema } from './template.ts'

/** The only `apiVersion` this contract reads. */
export const API_VERSION = 'icshosts.io/v1alpha1'

/** The only `kind` this contract reads. */
export const KIND = 'SocketServer'

/** Annotation of a resource: a new value makes every engine check its certificates at once. */
export const RECHECK_ANNOTATION = 'icshosts.io/recheck'

/** What happens when a listener cannot listen. */
export const BIND_POLICIES = ['BestEffort', 'AllOrNothing'] as const

const metadataSchema = z
  .strictObject({
    name: objectName().describe('Name of the resource: a DNS subdomain of at most 253 characters.'),
    namespace: z
      .string()
      .min(1)
      .max(63)
      .regex(DNS_LABEL.pattern)
      .optional()
      .describe(
        'Namespace of the resource, of its Secrets and of its Services. Absent: the namespace of kubectl; outside a cluster none.',
      ),
    labels: z.record(z.string(), z.string()).optional().describe('Labels of the resource.'),
    annotations: z.record(z.string(), z.string()).optional().describe('Annotations of the resource.'),
    generation: z
      .int()
      .min(0)
      .max(Number.MAX_SAFE_INTEGER)
      .optional()
      .describe('Counts the changes of spec; set by the API server.'),
    // What the API server adds is carried through `kubectl get -o yaml` and means nothing here.
    generateName: z.unknown().optional(),
    uid: z.unknown().optional(),
    resourceVersion: z.unknown().optional(),
    creationTimestamp: z.unknown().optional(),
    deletionTimestamp: z.unknown().optional(),
    deletionGracePeriodSeconds: z.unknown().optional(),
    ownerReferences: z.unknown().optional(),
    finalizers: z.unknown().optional(),
    managedFields: z.unknown().optional(),
    selfLink: z.unknown().optional(),
  })
  .describe('Name, namespace, labels and annotations of the resource.')

export const socketServerSpecSchema = z
  .strictObject({
    bindPolicy: z
      .enum(BIND_POLICIES)
      .default('BestEffort')
      .describe(
        'What happens when a listener cannot listen. BestEffort: the others serve, and it is tried again with growing pauses. ' +
          'AllOrNothing: none listens, and the server ends. Absent: BestEffort.',
      ),
    maxClients: maxClientsSchema,
    maxClientsPerSource: maxClientsPerSourceSchema,
    banner: bannerSchema,
    bannerTooBusy: bannerTooBusySchema,
    timeouts: timeoutsSchema.prefault({}),
    access: accessSchema.prefault({}),
    certExpireDays: z
      .int()
      .min(1)
      .max(3650)
      .default(30)
      .describe('Days before the end of a certificate from which on it is graded Warn, 1 to 3650. Absent: 30.'),
    recheckSeconds: z
      .int()
      .min(10)
      .max(86400)
      .default(3600)
      .describe(
        'Seconds between two checks of every certificate, 10 to 86400; a changed Secret is seen at once besides. Absent: 3600.',
      ),
    replicas: z
      .int()
      .min(0)
      .max(1000)
      .optional()
      .describe(
        'Pods that serve, 0 to 1000; means nothing outside a cluster. Absent: an autoscaler sets the number, which begins with 2.',
      ),
    service: serviceSchema.prefault({}),
    template: templateSchema.prefault({}),
    listeners: asMapBy(z.array(listenerSchema).min(1).max(64), 'name').describe(
      'The sockets clients connect to, 1 to 64, each with a name of its own.',
    ),
    icsHosts: asMapBy(z.array(icsHostSchema).max(512), 'hostTag')
      .default([])
      .describe(
        'The hosts that are served, at most 512, each with a hostTag of its own. Empty: each listener has a handler.',
      ),
  })
  .describe('What is to be served.')

attachRules(socketServerSpecSchema, SPEC_RULES)

export const socketServerSchema = z
  .strictObject({
    apiVersion: z.literal(API_VERSION).describe('Version of this contract: icshosts.io/v1alpha1.'),
    kind: z.literal(KIND).describe('Kind of the resource: SocketServer.'),
    metadata: metadataSchema,
    spec: socketServerSpecSchema,
    status: z.unknown().optional().describe('What is reported about the resource; ignored in a manifest.'),
  })
  .describe('Listeners for TLS or plain TCP, and the hosts they serve.')

/** What is to be served, with every default applied. */
export type SocketServerSpec = DeepReadonly<z.infer<typeof socketServerSpecSchema>>

/** What is to be served as a person writes it: what has a default may be left out. */
export type SocketServerSpecInput = DeepReadonly<z.input<typeof socketServerSpecSchema>>

/** A whole resource as declared, with every default applied; its status is not part of it. */
export type SocketServer = DeepReadonly<{
  apiVersion: typeof API_VERSION
  kind: typeof KIND
  metadata: Pick<z.infer<typeof metadataSchema>, 'name' | 'namespace' | 'labels' | 'annotations' | 'generation'>
  spec: z.infer<typeof socketServerSpecSchema>
}>

/** One of {@link BIND_POLICIES}. */
export type BindPolicy = (typeof BIND_POLICIES)[number]
