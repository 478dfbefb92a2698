import * as z from 'zod'
import { asSet, attachRules } from '../rules.ts'
import { type DeepReadonly, objectName } from '../units.ts'
import { CERTIFICATE_RULES } from './rules/certificate-rules.ts'

export const certificateSchema = z
  .strictObject({
    secretName: objectName().describe(
      'Name of a Secret of type kubernetes.io/tls in the same namespace, with the entries tls.crt (the certificate first, ' +
        'then its intermediates, PEM) and tls.key (PEM, without a passphrase). ' +
        'Outside a cluster: the directory of that name below the secrets directory. ' +
        'A Secret that is missing or unusable costs this host alone: its clients are refused until the Secret is good.',
    ),
    additionalSecretNames: asSet(
      z.array(objectName().describe('Name of a Secret of type kubernetes.io/tls in the same namespace.')).max(3),
    )
      .default([])
      .describe(
        'Further Secrets for the same host names with other key types, for example RSA beside ECDSA; ' +
          'the client gets the one it can verify. Empty: secretName alone. A Secret is named once.',
      ),
  })
  .describe('The certificate of a host and its private key.')

attachRules(certificateSchema, CERTIFICATE_RULES)

/** Where the certificate of a host comes from. */
export type Certificate = DeepReadonly<z.infer<typeof certificateSchema>>
