import * as z from 'zod'
import { DATA_KEY, SHA256_HEX } from '../patterns.ts'
import { asSet, attachRules } from '../rules.ts'
import { type DeepReadonly, objectName } from '../units.ts'
import { CLIENT_CERTIFICATE_RULES } from './rules/client-certificate-rules.ts'

/** Whether a host asks its clients for a certificate. */
export const CLIENT_CERTIFICATE_METHODS = ['None', 'Optional', 'Require'] as const

/** The kinds of object a CA bundle is read from. */
export const CA_REF_KINDS = ['ConfigMap', 'Secret'] as const

export const caRefSchema = z
  .strictObject({
    kind: z.enum(CA_REF_KINDS).describe('Kind of the object that holds the CA certificates: ConfigMap or Secret.'),
    name: objectName().describe('Name of that object, in the same namespace.'),
    key: z
      .string()
      .min(1)
      .max(253)
      .regex(DATA_KEY.pattern)
      .default('ca.crt')
      .describe('Entry of that object: one or several CA certificates in PEM. Absent: ca.crt.'),
  })
  .describe('A bundle of CA certificates.')

const nameList = (max: number, item: string, list: string) =>
  asSet(z.array(z.string().min(1).max(max).describe(item)).max(64))
    .default([])
    .describe(list)

const allowedNamesSchema = z
  .strictObject({
    commonNames: nameList(
      64,
      'Common name of the subject, compared exactly.',
      'Common names (CN of the subject) that are served; compared exactly, case included. Empty: none by common name.',
    ),
    dnsNames: nameList(
      253,
      'DNS name of the subject alternative names, compared without case.',
      'DNS names among the subject alternative names that are served; compared without case, no wildcards. Empty: none by DNS name.',
    ),
    uris: nameList(
      2048,
      'URI of the subject alternative names, compared exactly, for example a SPIFFE ID.',
      'URIs among the subject alternative names that are served, for example SPIFFE IDs; compared exactly. Empty: none by URI.',
    ),
    spkiSha256: asSet(
      z
        .array(
          z
            .string()
            .min(64)
            .max(64)
            .regex(SHA256_HEX.pattern)
            .describe('SHA-256 of the DER of the public key (SubjectPublicKeyInfo), 64 lower-case hexadecimal digits.'),
        )
        .max(64),
    )
      .default([])
      .describe(
        'Public keys that are served, each as the SHA-256 of its SubjectPublicKeyInfo in lower-case hexadecimal. ' +
          'Empty: none by public key.',
      ),
  })
  .describe(
    'Who of those with a trusted certificate is served. With every list empty everybody whom a CA of caRefs vouches for is; ' +
      'else the certificate must match at least one entry of any list. Has no meaning with method None and is refused there.',
  )

export const clientCertificateSchema = z
  .strictObject({
    method: z
      .enum(CLIENT_CERTIFICATE_METHODS)
      .default('None')
      .describe(
        'None: no certificate is asked for. Optional: one is asked for; a client without is served, one with a bad certificate ' +
          'is refused. Require: only clients with a good certificate are served. ' +
          'Optional and Require need caRefs; Require cannot be had on a plain listener; Passthrough hosts cannot ask. Absent: None.',
      ),
    caRefs: z
      .array(caRefSchema)
      .max(8)
      .default([])
      .describe(
        'The CAs that client certificates must chain to; all bundles together count. Needed unless method is None.',
      ),
    allowedNames: allowedNamesSchema.prefault({}),
  })
  .describe('What is asked of the certificates of clients. Absent: no client certificate is asked for.')

attachRules(clientCertificateSchema, CLIENT_CERTIFICATE_RULES)

/** Policy for client certificates of one host. */
export type ClientCertificate = DeepReadonly<z.infer<typeof clientCertificateSchema>>

/** A bundle of CA certificates in a ConfigMap or Secret. */
export type CaRef = DeepReadonly<z.infer<typeof caRefSchema>>

/** Who of the clients with a trusted certificate is served. */
export type AllowedNames = DeepReadonly<z.infer<typeof allowedNamesSchema>>
