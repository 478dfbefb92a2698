import { describe, expect, test } from 'vitest'
import { modulesKey, moduleText, pinnedModules } from '../../../support/control-plane/modules.ts'
import { newestPatch, wantedVersion } from '../../../support/control-plane/programs.ts'

describe('which Kubernetes is meant', () => {
  test.each([
    [undefined, { minor: '1.37', patch: 'v1.37.2', exact: false }],
    ['', { minor: '1.37', patch: 'v1.37.2', exact: false }],
    ['1.37', { minor: '1.37', patch: 'v1.37.2', exact: false }],
    ['1.35', { minor: '1.35', patch: undefined, exact: false }],
    ['v1.35.4', { minor: '1.35', patch: 'v1.35.4', exact: true }],
    ['1.35.4', { minor: '1.35', patch: 'v1.35.4', exact: true }],
  ])('by KUBERNETES_VERSION=%s', (asked, wanted) => {
    expect(wantedVersion(asked, 'v1.37.2')).toEqual(wanted)
  })

  test.each(['1', 'latest', '2.0', '1.35.x', '1.35.4-rc.1'])('is not told by "%s"', (asked) => {
    expect(() => wantedVersion(asked, 'v1.37.2')).toThrow(`KUBERNETES_VERSION is "${asked}"`)
  })

  test('is 1.37 in this repository, and its builds are kept by the hash of what they need', () => {
    expect(pinnedModules().version).toMatch(/^v1\.37\.\d+$/)
    expect(modulesKey(pinnedModules())).toMatch(/^v1\.37\.\d+-[0-9a-f]{12}$/)
  })

  test('patches are compared as numbers', () => {
    expect(newestPatch(['v1.35.9', 'v1.35.10', 'v1.35.2'])).toBe('v1.35.10')
    expect(newestPatch([])).toBeUndefined()
  })
})

test('the module of another release replaces its staging modules by the published ones', () => {
  const upstream = [
    'module k8s.io/kubernetes',
    'go 1.25.0',
    'godebug default=go1.25',
    'require (\n\tgo.etcd.io/etcd/client/v3 v3.6.5\n)',
    'replace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n\tk8s.io/kubectl => ./staging/src/k8s.io/kubectl\n)',
  ].join('\n\n')
  const text = moduleText('v1.35.4', upstream)
  expect(text).toContain('go 1.25.0')
  expect(text).toContain('godebug default=go1.25')
  expect(text).toContain('go.etcd.io/etcd/server/v3 v3.6.5')
  expect(text).toContain('k8s.io/kubernetes v1.35.4')
  expect(text).toContain('k8s.io/kubectl => k8s.io/kubectl v0.35.4')
  expect(() => moduleText('v1.35.4', 'module x')).toThrow('lacks etcd or its staging modules')
})
