import type * as z from 'zod'
import type { Loose, Rule } from '../../rules.ts'
import type { icsHostSchema } from '../ics-host.ts'

type IcsHost = z.infer<typeof icsHostSchema>
type Version = 'TLSv1.2' | 'TLSv1.3'

const ONLY: Readonly<Record<string, Version>> = { Tls12Only: 'TLSv1.2', Tls13Only: 'TLSv1.3', PostQuantum: 'TLSv1.3' }

/** Rules of one host. */
export const ICS_HOST_RULES: readonly Rule<IcsHost>[] = [
  {
    id: 'host-never-chosen',
    severity: 'problem',
    message: 'the host has no hostNames and is not default, so no client could reach it',
    cure: 'add hostNames, or set default to true',
    cel: {
      rule: 'self.default || size(self.hostNames) > 0',
      says: ['the host "%s" has no hostNames and is not default, so no client could reach it', 'self.hostTag'],
      fieldPath: '.hostNames',
      reason: 'FieldValueRequired',
    },
    check: (host, report) => {
      if (host.default === false && host.hostNames?.length === 0)
        report({ path: ['hostNames'], restsOn: [['default']] })
    },
  },
  {
    id: 'passthrough-client-certificate',
    severity: 'problem',
    message: 'a Passthrough host cannot ask for client certificates: TLS is between the client and the backend',
    cure: 'set clientCertificate.method to None and let the backend ask, or use the handler Forward',
    cel: {
      rule: "self.handler.type != 'Passthrough' || !has(self.clientCertificate) || self.clientCertificate.method == 'None'",
      says: [
        'method is "%s", and a Passthrough host cannot ask for client certificates: TLS is between the client and the backend',
        'self.clientCertificate.method',
      ],
      fieldPath: '.clientCertificate.method',
      reason: 'FieldValueForbidden',
    },
    check: ({ handler, clientCertificate }, report) => {
      const method = clientCertificate?.method
      if (handler?.type === 'Passthrough' && method !== undefined && method !== 'None')
        report({ path: ['clientCertificate', 'method'], restsOn: [['handler', 'type']] })
    },
  },
  {
    id: 'tls-version-of-level',
    severity: 'problem',
    message: 'minVersion or maxVersion contradicts securityLevel',
    cure: 'remove it, or choose another securityLevel',
    cel: {
      rule:
        "!has(self.tls) || (!(self.securityLevel in ['Tls13Only', 'PostQuantum']) || " +
        "(!has(self.tls.minVersion) || self.tls.minVersion == 'TLSv1.3') && (!has(self.tls.maxVersion) || self.tls.maxVersion == 'TLSv1.3')) && " +
        "(self.securityLevel != 'Tls12Only' || " +
        "(!has(self.tls.minVersion) || self.tls.minVersion == 'TLSv1.2') && (!has(self.tls.maxVersion) || self.tls.maxVersion == 'TLSv1.2'))",
      says: ['minVersion or maxVersion contradicts securityLevel "%s"', 'self.securityLevel'],
      fieldPath: '.tls',
      reason: 'FieldValueInvalid',
    },
    check: ({ securityLevel, tls }, report) => {
      const only = securityLevel === undefined ? undefined : ONLY[securityLevel]
      if (only === undefined || tls === undefined) return
      for (const field of ['minVersion', 'maxVersion'] as const) {
        const version = tls[field]
        if (version !== undefined && version !== only)
          report({
            path: ['tls', field],
            message: `${field} is "${version}" and securityLevel "${securityLevel}" serves ${only} alone`,
            cure: `remove ${field}, or choose another securityLevel`,
          })
      }
    },
  },
  {
    id: 'tls-cipher-of-version',
    severity: 'problem',
    message: 'a cipher suite belongs to a protocol version that the host does not serve',
    cure: 'remove it, or let the host serve that version',
    cel: {
      rule:
        "!has(self.tls) || ((has(self.tls.minVersion) && self.tls.minVersion == 'TLSv1.3' || self.securityLevel in ['Tls13Only', 'PostQuantum']) ? " +
        "self.tls.ciphers.all(c, c.startsWith('TLS_')) : " +
        "(has(self.tls.maxVersion) && self.tls.maxVersion == 'TLSv1.2' || self.securityLevel == 'Tls12Only') ? " +
        "!self.tls.ciphers.exists(c, c.startsWith('TLS_')) : true)",
      says: [
        'a cipher suite of "%s" belongs to a protocol version that the host does not serve',
        "self.tls.ciphers.join(' ')",
      ],
      fieldPath: '.tls.ciphers',
      reason: 'FieldValueInvalid',
    },
    check: (host, report) => {
      const served = onlyVersion(host)
      for (const [index, cipher] of (host.tls?.ciphers ?? []).entries()) {
        if (cipher === undefined || served === undefined) continue
        const version = cipher.startsWith('TLS_') ? 'TLSv1.3' : 'TLSv1.2'
        if (version !== served)
          report({
            path: ['tls', 'ciphers', index],
            restsOn: [['securityLevel'], ['tls', 'minVersion'], ['tls', 'maxVersion']],
            message: `the cipher suite "${cipher}" is one of ${version} and the host serves ${served} alone`,
          })
      }
    },
  },
  {
    id: 'tls-group-not-post-quantum',
    severity: 'problem',
    message: 'securityLevel "PostQuantum" and a group without ML-KEM contradict each other',
    cure: 'name hybrids with ML-KEM only, for example X25519MLKEM768, or choose another securityLevel',
    cel: {
      rule: "!has(self.tls) || self.securityLevel != 'PostQuantum' || self.tls.groups.all(g, g.contains('MLKEM'))",
      says: [
        'the group "%s" has no ML-KEM and securityLevel is "PostQuantum"',
        "self.tls.groups.filter(g, !g.contains('MLKEM'))[0]",
      ],
      fieldPath: '.tls.groups',
      reason: 'FieldValueInvalid',
    },
    check: ({ securityLevel, tls }, report) => {
      if (securityLevel !== 'PostQuantum') return
      for (const [index, group] of (tls?.groups ?? []).entries())
        if (group !== undefined && !group.includes('MLKEM'))
          report({
            path: ['tls', 'groups', index],
            message: `the group "${group}" has no ML-KEM and securityLevel is "PostQuantum"`,
          })
    },
  },
  {
    id: 'passthrough-certificate',
    severity: 'warning',
    message: 'the certificate is never used: the backend of a Passthrough host has its own',
    cure: 'remove certificate',
    cel: null,
    why: 'a warning refuses nothing',
    check: ({ handler, certificate }, report) => {
      if (handler?.type === 'Passthrough' && certificate !== undefined) report({ path: ['certificate'] })
    },
  },
]

/** The version that is served alone; undefined when both are, or none, or it is not known. */
function onlyVersion({ securityLevel, tls }: Loose<IcsHost>): Version | undefined {
  if (securityLevel === undefined) return undefined
  // A contradiction between the two is a breach of its own.
  return (
    ONLY[securityLevel] ??
    (tls?.minVersion === 'TLSv1.3' ? 'TLSv1.3' : tls?.maxVersion === 'TLSv1.2' ? 'TLSv1.2' : undefined)
  )
}
