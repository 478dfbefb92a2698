import type * as z from 'zod'
import { addressFamily } from '../../addresses.ts'
import { quote } from '../../problem.ts'
import type { Rule } from '../../rules.ts'
import type { backendSchema, handlerSchema } from '../handler.ts'

type Backend = z.infer<typeof backendSchema>
type Handler = z.infer<typeof handlerSchema>

/** What can only be meant as an IP address: digits and dots, or hexadecimal digits with colons. */
const LIKE_AN_ADDRESS = /^[0-9.]+$|^[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*$/

/** Rules of one backend. */
export const BACKEND_RULES: readonly Rule<Backend>[] = [
  {
    id: 'backend-form',
    severity: 'problem',
    message: 'a backend has exactly one form: service, or host and port, or unixPath',
    cure: 'keep one of them: service: { name, port }, or host and port, or unixPath',
    cel: {
      rule:
        'has(self.service) ? !has(self.host) && !has(self.port) && !has(self.unixPath) : ' +
        'has(self.unixPath) ? !has(self.host) && !has(self.port) : has(self.host) && has(self.port)',
      says: [
        'the backend has service "%s", host "%s", port "%s" and unixPath "%s", and not exactly one form',
        "has(self.service) ? self.service.name : ''",
        "has(self.host) ? self.host : ''",
        'has(self.port) ? self.port : 0',
        "has(self.unixPath) ? self.unixPath : ''",
      ],
      reason: 'FieldValueInvalid',
    },
    check: (backend, report) => {
      const { service, host, port, unixPath } = backend
      const restsOn = [['service'], ['host'], ['port'], ['unixPath']]
      const forms = [
        service === undefined ? [] : ['service'],
        host === undefined && port === undefined ? [] : ['host and port'],
        unixPath === undefined ? [] : ['unixPath'],
      ].flat()
      if (forms.length === 0)
        report({ path: [], restsOn, message: 'the backend says neither service, nor host and port, nor unixPath' })
      else if (forms.length > 1) report({ path: [], restsOn, message: `the backend has ${forms.join(' beside ')}` })
      else if (forms[0] === 'host and port' && port === undefined)
        report({ path: [], restsOn, message: `the backend has host ${quote(host)} and no port`, cure: 'add port' })
      else if (forms[0] === 'host and port' && host === undefined)
        report({ path: [], restsOn, message: `the backend has port "${port}" and no host`, cure: 'add host' })
    },
  },
  {
    id: 'backend-address',
    severity: 'problem',
    message: 'host looks like an IP address and is none',
    cure: 'write an IPv4 address of four numbers from 0 to 255, an IPv6 address without brackets or zone, or a host name',
    cel: null,
    why: 'a function over the text of a host costs 104, and 512 hosts of 64 backends have a budget of 152 each',
    check: ({ host }, report) => {
      if (host !== undefined && LIKE_AN_ADDRESS.test(host) && addressFamily(host) === undefined)
        report({ path: ['host'], message: `host ${quote(host)} looks like an IP address and is none` })
    },
  },
]

/** Rules of a list of backends. */
export const BACKENDS_RULES: readonly Rule<Backend[]>[] = [
  {
    id: 'backends-without-weight',
    severity: 'problem',
    message: 'every backend has weight "0", so no client could be served',
    cure: 'give at least one backend a weight above 0',
    cel: { rule: 'size(self) == 0 || self.exists(b, b.weight > 0)', reason: 'FieldValueInvalid' },
    check: (backends, report) => {
      if (backends.length > 0 && backends.every((backend) => backend?.weight === 0)) report({ path: [] })
    },
  },
]

const MEMBERS = ['forward', 'passthrough', 'redirect'] as const
const MEMBER_OF = { Forward: 'forward', Passthrough: 'passthrough', Redirect: 'redirect', Echo: undefined } as const

/** Rules of one handler. */
export const HANDLER_RULES: readonly Rule<Handler>[] = [
  {
    id: 'handler-member-missing',
    severity: 'problem',
    message: 'the member that type names is missing',
    cure: 'add the member of that name, in lower case, with its backends',
    cel: (['Forward', 'Passthrough'] as const).map((type) => ({
      rule: `self.type != '${type}' || has(self.${MEMBER_OF[type]})`,
      says: [`type is "%s" and ${MEMBER_OF[type]} is missing`, 'self.type'],
      fieldPath: `.${MEMBER_OF[type]}`,
      reason: 'FieldValueRequired',
    })),
    check: (handler, report) => {
      if (handler.type !== 'Forward' && handler.type !== 'Passthrough') return
      const member = MEMBER_OF[handler.type]
      if (handler[member] === undefined)
        report({
          path: [member],
          message: `type is "${handler.type}" and ${member} is missing`,
          cure: `add ${member} with its backends`,
        })
    },
  },
  {
    id: 'handler-member-of-other-type',
    severity: 'problem',
    message: 'a member of another type is set',
    cure: 'remove it, or change type',
    cel: (['Forward', 'Passthrough', 'Redirect'] as const).map((type) => ({
      rule: `self.type == '${type}' || !has(self.${MEMBER_OF[type]})`,
      says: [`type is "%s" and ${MEMBER_OF[type]} is set, which belongs to another type`, 'self.type'],
      fieldPath: `.${MEMBER_OF[type]}`,
      reason: 'FieldValueForbidden',
    })),
    check: (handler, report) => {
      if (handler.type === undefined) return
      for (const member of MEMBERS)
        if (handler[member] !== undefined && member !== MEMBER_OF[handler.type])
          report({
            path: [member],
            restsOn: [['type']],
            message: `type is "${handler.type}" and ${member} is set, which belongs to another type`,
            cure: `remove ${member}, or change type`,
          })
    },
  },
]
