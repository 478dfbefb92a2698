import type * as z from 'zod'
import { addressFamily, isCidr } from '../../addresses.ts'
import { quote } from '../../problem.ts'
import type { Rule } from '../../rules.ts'
import type { accessSchema } from '../limits.ts'

type Access = z.infer<typeof accessSchema>

const network = (list: 'allow' | 'deny'): Rule<Access> => ({
  id: `access-${list}-source`,
  severity: 'problem',
  message: `an entry of ${list} is neither an IP address nor a network`,
  cure: 'write an address such as "192.0.2.7", or a network such as "192.0.2.0/24" or "2001:db8::/32"',
  cel: {
    rule: `self.${list}.all(s, isIP(s) || isCIDR(s))`,
    says: [
      '"%s" is neither an IP address nor a network in CIDR notation',
      `self.${list}.filter(s, !(isIP(s) || isCIDR(s)))[0]`,
    ],
    fieldPath: `.${list}`,
    reason: 'FieldValueInvalid',
  },
  check: (access, report) => {
    for (const [index, source] of (access[list] ?? []).entries())
      if (source !== undefined && addressFamily(source) === undefined && !isCidr(source))
        report({
          path: [list, index],
          message: `${quote(source)} is neither an IP address nor a network in CIDR notation`,
        })
  },
})

/** Rules of the access list. */
export const ACCESS_RULES: readonly Rule<Access>[] = [network('allow'), network('deny')]
