import { describe, expect, test } from 'vitest'
import { desiredFingerprint, ownedFingerprint, ownsField, project } from '../../../../operator/kube/field-set.ts'
import type { FieldSet, KubeObject } from '../../../../operator/kube/objects.ts'

describe('project', () => {
  const fields: FieldSet = {
    'f:metadata': { 'f:labels': { 'f:a': {} } },
    'f:spec': {
      'f:replicas': {},
      'f:ports': { 'k:{"port":443,"protocol":"TCP"}': { '.': {}, 'f:port': {}, 'f:targetPort': {} } },
      'f:finalizers': { 'v:"x"': {} },
      'f:whole': {},
      'f:empty': {},
    },
  }
  test('keeps what the set speaks of, in maps, lists with keys, sets and wholes', () => {
    const value = {
      metadata: { labels: { a: '1', b: '2' } },
      spec: {
        replicas: 2,
        ports: [
          { port: 80, protocol: 'TCP' },
          { port: 443, protocol: 'TCP', targetPort: 1, nodePort: 3 },
        ],
        finalizers: ['w', 'x'],
        whole: { b: 1, a: [1] },
        empty: {},
        other: 1,
      },
    }
    expect(project(value, fields)).toEqual({
      metadata: { labels: { a: '1' } },
      spec: {
        replicas: 2,
        ports: [{ port: 443, targetPort: 1 }],
        finalizers: ['x'],
        whole: { a: [1], b: 1 },
        empty: {},
      },
    })
  })
  test.each([undefined, null, 7, [], {}, 'text'])('of %j takes what is there', (value) => {
    expect(() => project({ spec: value }, fields)).not.toThrow()
  })
})

const desired: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace: 'b', labels: { x: 'y' } },
  data: { key: 'value' },
}
const live = (data: object, extra: object = {}): KubeObject => ({
  ...desired,
  data,
  metadata: {
    ...desired.metadata,
    uid: 'u',
    labels: { x: 'y', ...extra },
    managedFields: [
      {
        manager: 'me',
        operation: 'Apply',
        fieldsV1: { 'f:metadata': { 'f:labels': { 'f:x': {} } }, 'f:data': { 'f:key': {} } },
      },
      { manager: 'me', operation: 'Update', fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
    ],
  },
})

describe('fingerprints', () => {
  test('of what was applied and of what is there are equal, whatever others added', () => {
    expect(ownedFingerprint(live({ key: 'value', more: 1 }, { z: '1' }), 'me')).toBe(desiredFingerprint(desired))
  })
  test('differ when one of our fields was changed, or is not ours any more', () => {
    expect(ownedFingerprint(live({ key: 'other' }), 'me')).not.toBe(desiredFingerprint(desired))
    expect(ownedFingerprint(live({ key: 'value' }), 'somebody')).toBe('')
  })
  test('ownsField tells what was declared, and not what was once written', () => {
    expect(ownsField(live({}), 'me', ['data', 'key'])).toBe(true)
    expect(ownsField(live({}), 'me', ['spec', 'replicas'])).toBe(false)
  })
})
