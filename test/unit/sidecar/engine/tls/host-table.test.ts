import { describe, expect, test } from 'vitest'
import { HostTable } from '../../../../../sidecar/engine/tls/host-table.ts'

const host = (tag: string, hostNames: string[], isDefault = false) => ({ tag, hostNames, isDefault })
const table = new HostTable([
  host('wild', ['*.shop.test']),
  host('exact', ['www.shop.test', 'shop.test']),
  host('deep', ['*.a.shop.test']),
  host('fallback', [], true),
])

const cases: Record<string, [string | undefined, string]> = {
  'an exact name wins over a wildcard that fits it': ['www.shop.test', 'exact'],
  'a wildcard stands for one label': ['api.shop.test', 'wild'],
  'a wildcard does not stand for two labels': ['x.y.shop.test', 'fallback'],
  'the wildcard of the longer name serves its own label': ['x.a.shop.test', 'deep'],
  'a wildcard does not stand for nothing': ['shop.test', 'exact'],
  'an unknown name goes to the default': ['other.test', 'fallback'],
  'no name goes to the default': [undefined, 'fallback'],
  'an IP address as name goes to the default': ['127.0.0.1', 'fallback'],
  'a name that begins with a dot goes to the default': ['.shop.test', 'fallback'],
}

describe('HostTable.find()', () => {
  for (const [sentence, [name, tag]] of Object.entries(cases))
    test(sentence, () => expect(table.find(name)?.tag).toBe(tag))

  test('without a default an unknown name finds nothing', () =>
    expect(new HostTable([host('a', ['a.test'])]).find('b.test')).toBeUndefined())
})
