import type { Rule } from '../../rules.ts'

type Value = { secretName: string; additionalSecretNames: string[] }

/** Rules of one certificate. */
export const CERTIFICATE_RULES: readonly Rule<Value>[] = [
  {
    id: 'certificate-secret-twice',
    severity: 'problem',
    message: 'additionalSecretNames repeats secretName',
    cure: 'remove it from additionalSecretNames, which is for Secrets with other key types',
    cel: {
      rule: '!(self.secretName in self.additionalSecretNames)',
      says: ['"%s" is in additionalSecretNames and is secretName too', 'self.secretName'],
      fieldPath: '.additionalSecretNames',
      reason: 'FieldValueInvalid',
    },
    check: ({ secretName, additionalSecretNames }, report) => {
      if (secretName === undefined) return
      const index = additionalSecretNames?.indexOf(secretName) ?? -1
      if (index >= 0)
        report({
          path: ['additionalSecretNames', index],
          message: `"${secretName}" is in additionalSecretNames and is secretName too`,
        })
    },
  },
]
