import type * as z from 'zod'
import { quote } from '../../problem.ts'
import type { Rule } from '../../rules.ts'
import type { templateSchema } from '../template.ts'

type Template = z.infer<typeof templateSchema>

const RESERVED = /^(app\.kubernetes\.io|icshosts\.io)\//

/** Rules of the pods' template. */
export const TEMPLATE_RULES: readonly Rule<Template>[] = [
  {
    id: 'template-label-reserved',
    severity: 'problem',
    message: 'a label of the template is one of those by which the pods are found',
    cure: 'use another prefix than "app.kubernetes.io/" and "icshosts.io/"',
    cel: {
      rule: "self.labels.all(k, !k.startsWith('app.kubernetes.io/') && !k.startsWith('icshosts.io/'))",
      fieldPath: '.labels',
      reason: 'FieldValueForbidden',
    },
    check: ({ labels }, report) => {
      for (const key of Object.keys(labels ?? {}))
        if (RESERVED.test(key)) report({ path: ['labels'], message: `the label ${quote(key)} is set by the operator` })
    },
  },
]
