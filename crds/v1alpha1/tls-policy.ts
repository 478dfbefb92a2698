import * as z from 'zod'
import { ALPN_PROTOCOL } from '../patterns.ts'
import { asSet, attachRules } from '../rules.ts'
import type { DeepReadonly } from '../units.ts'
import { TLS_RULES } from './rules/tls-rules.ts'

/** The named security levels, from the most lenient to the strictest. */
export const SECURITY_LEVELS = [
  'Backward',
  'Intermediate',
  'IntermediateForwardSecrecy',
  'High',
  'High128',
  'High192',
  'Tls12Only',
  'Tls13Only',
  'PostQuantum',
] as const

/** The protocol versions a host can serve. */
export const TLS_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

/** Cipher suites of TLS 1.3, by their OpenSSL names. */
export const TLS13_CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
] as const

/** Cipher suites of TLS 1.2, by their OpenSSL names. */
export const TLS12_CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'DHE-RSA-AES128-GCM-SHA256',
  'DHE-RSA-AES256-GCM-SHA384',
  'DHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-SHA256',
  'ECDHE-RSA-AES128-SHA256',
  'ECDHE-ECDSA-AES256-SHA384',
  'ECDHE-RSA-AES256-SHA384',
  'DHE-RSA-AES128-SHA256',
  'DHE-RSA-AES256-SHA256',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  'DHE-RSA-AES128-SHA',
  'DHE-RSA-AES256-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA256',
  'AES256-SHA256',
  'AES128-SHA',
  'AES256-SHA',
] as const

/** Every cipher suite a host can name. */
export const CIPHERS = [...TLS13_CIPHERS, ...TLS12_CIPHERS] as const

/** Key exchange groups by their OpenSSL names; the first three are hybrids with ML-KEM. */
export const GROUPS = [
  'X25519MLKEM768',
  'SecP256r1MLKEM768',
  'SecP384r1MLKEM1024',
  'X25519',
  'X448',
  'P-256',
  'P-384',
  'P-521',
] as const

/** The level a host has when it names none. */
export const DEFAULT_SECURITY_LEVEL = 'High'

export const securityLevelSchema = z
  .enum(SECURITY_LEVELS)
  .default(DEFAULT_SECURITY_LEVEL)
  .describe(
    'Which protocol versions, cipher suites, key exchange groups and key sizes the host accepts. ' +
      'Backward: TLS 1.2 and later, with CBC and RSA key exchange for old clients. ' +
      'Intermediate, IntermediateForwardSecrecy and High: TLS 1.2 and later with ECDHE and AES-GCM or ChaCha20. ' +
      'High128: as High, and every key of at least 128 bits of strength, so no RSA below 3072 bits. ' +
      'High192: AES-256 and ChaCha20 only, keys of at least 192 bits of strength. ' +
      'Tls12Only: TLS 1.2 alone with classical groups. Tls13Only: TLS 1.3 alone. ' +
      'PostQuantum: TLS 1.3 alone, and only with the group X25519MLKEM768. ' +
      'Single settings are overridden under tls. Means nothing to a Passthrough host. Absent: High.',
  )

export const tlsOverridesSchema = z
  .strictObject({
    minVersion: z
      .enum(TLS_VERSIONS)
      .optional()
      .describe(
        'Lowest protocol version accepted. Absent: what securityLevel says. ' +
          'Refused when it is above maxVersion, or when the level leaves no version in common.',
      ),
    maxVersion: z
      .enum(TLS_VERSIONS)
      .optional()
      .describe(
        'Highest protocol version accepted. Absent: what securityLevel says. ' +
          'Refused when it is below minVersion, or when the level leaves no version in common.',
      ),
    ciphers: asSet(z.array(z.enum(CIPHERS).describe('Cipher suite by its OpenSSL name.')).max(CIPHERS.length))
      .default([])
      .describe(
        'Cipher suites accepted, most wanted first, by their OpenSSL names; those of TLS 1.3 begin with TLS_. ' +
          'They replace the list of securityLevel for each protocol version of which at least one suite is named; ' +
          'the other version keeps its list. Empty: what securityLevel says. ' +
          'A suite of TLS 1.2 on a host that serves TLS 1.3 alone is refused, and the other way round.',
      ),
    groups: asSet(z.array(z.enum(GROUPS).describe('Key exchange group by its OpenSSL name.')).max(GROUPS.length))
      .default([])
      .describe(
        'Key exchange groups accepted, most wanted first. Empty: what securityLevel says. ' +
          'With securityLevel PostQuantum only hybrids with ML-KEM may be named.',
      ),
    alpn: asSet(
      z
        .array(
          z
            .string()
            .min(1)
            .max(255)
            .regex(ALPN_PROTOCOL.pattern)
            .describe(
              'Protocol name of 1 to 255 printable ASCII characters, for example "h2" or "http/1.1" (RFC 7301).',
            ),
        )
        .max(16),
    )
      .default([])
      .describe(
        'Application protocols offered by ALPN, most wanted first. Empty: ALPN is not answered and every client is served. ' +
          'When set, a client that offers protocols of which none is listed is refused; a client that offers none is served. ' +
          'The name "acme-tls/1" is reserved for certificate challenges.',
      ),
  })
  .describe('Overrides of single settings of securityLevel. Absent: the level alone decides.')

attachRules(tlsOverridesSchema, TLS_RULES)

/** One of {@link SECURITY_LEVELS}. */
export type SecurityLevel = (typeof SECURITY_LEVELS)[number]

/** One of {@link TLS_VERSIONS}. */
export type TlsVersion = (typeof TLS_VERSIONS)[number]

/** One of {@link CIPHERS}. */
export type Cipher = (typeof CIPHERS)[number]

/** One of {@link GROUPS}. */
export type Group = (typeof GROUPS)[number]

/** Overrides of a security level; empty lists and absent versions leave the level as it is. */
export type TlsOverrides = DeepReadonly<z.infer<typeof tlsOverridesSchema>>
