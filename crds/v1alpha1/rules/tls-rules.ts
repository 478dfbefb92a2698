import type * as z from 'zod'
import type { Rule } from '../../rules.ts'
import type { tlsOverridesSchema } from '../tls-policy.ts'

type Value = z.infer<typeof tlsOverridesSchema>

/** Rules of the overrides by themselves; those that need the level are rules of the host. */
export const TLS_RULES: readonly Rule<Value>[] = [
  {
    id: 'tls-version-order',
    severity: 'problem',
    message: 'minVersion is above maxVersion, which leaves no version',
    cure: 'swap them, or remove one',
    cel: {
      rule: '!has(self.minVersion) || !has(self.maxVersion) || self.minVersion <= self.maxVersion',
      says: ['minVersion "%s" is above maxVersion "%s", which leaves no version', 'self.minVersion', 'self.maxVersion'],
      fieldPath: '.minVersion',
      reason: 'FieldValueInvalid',
    },
    check: ({ minVersion, maxVersion }, report) => {
      if (minVersion !== undefined && maxVersion !== undefined && minVersion > maxVersion)
        report({
          path: ['minVersion'],
          message: `minVersion "${minVersion}" is above maxVersion "${maxVersion}", which leaves no version`,
        })
    },
  },
  {
    id: 'tls-alpn-reserved',
    severity: 'problem',
    message: 'alpn names "acme-tls/1", which is reserved for certificate challenges (RFC 8737)',
    cure: 'remove it',
    cel: { rule: "!('acme-tls/1' in self.alpn)", fieldPath: '.alpn', reason: 'FieldValueForbidden' },
    check: ({ alpn }, report) => {
      const index = alpn?.indexOf('acme-tls/1') ?? -1
      if (index >= 0) report({ path: ['alpn', index] })
    },
  },
]
