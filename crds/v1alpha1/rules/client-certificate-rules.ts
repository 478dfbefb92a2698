import type * as z from 'zod'
import type { Rule } from '../../rules.ts'
import type { clientCertificateSchema } from '../client-certificate.ts'

type Value = z.infer<typeof clientCertificateSchema>

/** Rules of one policy for client certificates. */
export const CLIENT_CERTIFICATE_RULES: readonly Rule<Value>[] = [
  {
    id: 'client-certificate-needs-ca',
    severity: 'problem',
    message: 'caRefs is empty, so no client certificate could be verified',
    cure: 'name the ConfigMap or Secret with the CA certificates in caRefs, or set method to None',
    cel: {
      rule: "self.method == 'None' || size(self.caRefs) > 0",
      says: ['method is "%s" and caRefs is empty, so no client certificate could be verified', 'self.method'],
      fieldPath: '.caRefs',
      reason: 'FieldValueRequired',
    },
    check: ({ method, caRefs }, report) => {
      if (method !== undefined && method !== 'None' && caRefs?.length === 0)
        report({
          path: ['caRefs'],
          message: `method is "${method}" and caRefs is empty, so no client certificate could be verified`,
        })
    },
  },
  {
    id: 'allowed-names-without-method',
    severity: 'problem',
    message: 'allowedNames is set while method is "None", so nobody would be asked for a certificate',
    cure: 'set method to Require (or Optional), or remove allowedNames',
    cel: {
      rule:
        "self.method != 'None' || (size(self.allowedNames.commonNames) == 0 && size(self.allowedNames.dnsNames) == 0 && " +
        'size(self.allowedNames.uris) == 0 && size(self.allowedNames.spkiSha256) == 0)',
      fieldPath: '.allowedNames',
      reason: 'FieldValueForbidden',
    },
    check: ({ method, allowedNames }, report) => {
      if (method !== 'None' || allowedNames === undefined) return
      if (Object.values(allowedNames).some((list) => list !== undefined && list.length > 0))
        report({ path: ['allowedNames'], restsOn: [['method']] })
    },
  },
]
