import type * as z from 'zod'
import { addressFamily, isCidr } from '../../addresses.ts'
import { quote } from '../../problem.ts'
import type { Rule } from '../../rules.ts'
import type { listenerSchema, proxyProtocolSchema } from '../listener.ts'

type Listener = z.infer<typeof listenerSchema>
type ProxyProtocol = z.infer<typeof proxyProtocolSchema>

/** Rules of the PROXY protocol as a listener reads it. */
export const PROXY_PROTOCOL_RULES: readonly Rule<ProxyProtocol>[] = [
  {
    id: 'proxy-protocol-needs-sources',
    severity: 'problem',
    message: 'trustedSources is empty, so no PROXY protocol header could be believed',
    cure: 'list the addresses or networks of the load balancers in trustedSources, or set mode to None',
    cel: {
      rule: "self.mode == 'None' || size(self.trustedSources) > 0",
      says: ['mode is "%s" and trustedSources is empty, so no header could be believed', 'self.mode'],
      fieldPath: '.trustedSources',
      reason: 'FieldValueRequired',
    },
    check: ({ mode, trustedSources }, report) => {
      if (mode !== undefined && mode !== 'None' && trustedSources?.length === 0)
        report({
          path: ['trustedSources'],
          message: `mode is "${mode}" and trustedSources is empty, so no header could be believed`,
        })
    },
  },
  {
    id: 'proxy-protocol-source',
    severity: 'problem',
    message: 'an entry of trustedSources is neither an IP address nor a network',
    cure: 'write an address such as "10.1.2.3", or a network such as "10.0.0.0/8" or "2001:db8::/32"',
    cel: {
      rule: 'self.trustedSources.all(s, isIP(s) || isCIDR(s))',
      says: [
        '"%s" is neither an IP address nor a network in CIDR notation',
        'self.trustedSources.filter(s, !(isIP(s) || isCIDR(s)))[0]',
      ],
      fieldPath: '.trustedSources',
      reason: 'FieldValueInvalid',
    },
    check: ({ trustedSources }, report) => {
      for (const [index, source] of (trustedSources ?? []).entries())
        if (source !== undefined && addressFamily(source) === undefined && !isCidr(source))
          report({
            path: ['trustedSources', index],
            message: `${quote(source)} is neither an IP address nor a network in CIDR notation`,
          })
    },
  },
]

/** Rules of one listener. */
export const LISTENER_RULES: readonly Rule<Listener>[] = [
  {
    id: 'listener-address',
    severity: 'problem',
    message: 'address is not an IP address',
    cure: 'write an IP address such as "::", "0.0.0.0" or "192.0.2.1", without brackets, port or zone',
    cel: {
      rule: 'isIP(self.address)',
      says: ['address "%s" is not an IP address', 'self.address'],
      fieldPath: '.address',
      reason: 'FieldValueInvalid',
    },
    check: ({ address }, report) => {
      if (address !== undefined && addressFamily(address) === undefined)
        report({ path: ['address'], message: `address ${quote(address)} is not an IP address` })
    },
  },
  {
    id: 'listener-address-family',
    severity: 'problem',
    message: 'address and socketFamily contradict each other',
    cure: 'change one of them, or leave socketFamily out',
    cel: {
      // With "::" every address of the machine is meant, whatever the family.
      rule:
        "self.socketFamily == 'Any' || !isIP(self.address) || ip(self.address) == ip('::') || " +
        "ip(self.address).family() == (self.socketFamily == 'IPv4' ? 4 : 6)",
      says: ['address "%s" is not of the family "%s" that socketFamily names', 'self.address', 'self.socketFamily'],
      fieldPath: '.address',
      reason: 'FieldValueInvalid',
    },
    check: ({ address, socketFamily }, report) => {
      if (address === undefined || socketFamily === undefined || socketFamily === 'Any') return
      const family = addressFamily(address)
      if (family !== undefined && family !== socketFamily && !isUnspecifiedIpv6(address))
        report({
          path: ['address'],
          restsOn: [['socketFamily']],
          message: `address ${quote(address)} is of the family ${family} and socketFamily is "${socketFamily}"`,
          cure: `write an ${socketFamily} address, or set socketFamily to ${family}`,
        })
    },
  },
  {
    id: 'listener-certificate-without-handler',
    severity: 'problem',
    message: 'the listener has a certificate and no handler, so it has no host of its own that could use it',
    cure: 'add a handler to the listener, or move the certificate to the hosts of icsHosts',
    cel: {
      rule: '!has(self.certificate) || has(self.handler)',
      says: [
        'the listener "%s" has a certificate and no handler, so it has no host of its own that could use it',
        'self.name',
      ],
      fieldPath: '.certificate',
      reason: 'FieldValueForbidden',
    },
    check: ({ certificate, handler }, report) => {
      if (certificate !== undefined && handler === undefined) report({ path: ['certificate'], restsOn: [['handler']] })
    },
  },
  {
    id: 'listener-certificate-missing',
    severity: 'problem',
    message: 'the listener speaks TLS and has a handler of its own without a certificate',
    cure: 'add certificate: { secretName: ... }, or set tls to false',
    cel: {
      rule: "!self.tls || !has(self.handler) || self.handler.type == 'Passthrough' || has(self.certificate)",
      says: ['the listener "%s" speaks TLS and has a handler of its own without a certificate', 'self.name'],
      fieldPath: '.certificate',
      reason: 'FieldValueRequired',
    },
    check: ({ tls, handler, certificate }, report) => {
      if (tls !== true || handler?.type === undefined || handler.type === 'Passthrough') return
      if (certificate === undefined) report({ path: ['certificate'], restsOn: [['tls']] })
    },
  },
  {
    id: 'listener-passthrough-plain',
    severity: 'problem',
    message: 'the handler Passthrough is on a plain listener, where there is no TLS to pass through',
    cure: 'set tls to true, or use the handler Forward',
    cel: {
      rule: "self.tls || !has(self.handler) || self.handler.type != 'Passthrough'",
      says: [
        'the listener "%s" is plain and has the handler Passthrough, where there is no TLS to pass through',
        'self.name',
      ],
      fieldPath: '.handler',
      reason: 'FieldValueForbidden',
    },
    check: ({ tls, handler }, report) => {
      if (tls === false && handler?.type === 'Passthrough') report({ path: ['handler', 'type'], restsOn: [['tls']] })
    },
  },
  {
    id: 'listener-certificate-unused',
    severity: 'warning',
    message: 'the certificate of the listener is never used',
    cure: 'remove it',
    cel: null,
    why: 'a warning refuses nothing',
    check: ({ tls, handler, certificate }, report) => {
      if (certificate === undefined || handler?.type === undefined) return
      if (tls === false)
        report({ path: ['certificate'], message: 'the certificate is never used: the listener does not speak TLS' })
      else if (handler.type === 'Passthrough')
        report({
          path: ['certificate'],
          message: 'the certificate is never used: the backend of a Passthrough handler has its own',
        })
    },
  },
]

function isUnspecifiedIpv6(address: string): boolean {
  return addressFamily(address) === 'IPv6' && /^[0:]+$/.test(address)
}
