import { describe, expect, test } from 'vitest'
import { ApiError } from '../../../../operator/kube/api-error.ts'
import { conflictsOf } from '../../../../operator/kube/apply.ts'
import { linesOf } from '../../../../operator/kube/lines.ts'
import { Store } from '../../../../operator/kube/store.ts'

const item = (name: string, resourceVersion: string, uid = name) => ({
  metadata: { name, namespace: 'ns', resourceVersion, uid },
})

describe('Store', () => {
  const create = () => {
    const store = new Store<ReturnType<typeof item>>()
    const told: string[] = []
    store.listen((key, after, before) =>
      told.push(`${key} ${before?.metadata.resourceVersion ?? '-'} ${after?.metadata.resourceVersion ?? '-'}`),
    )
    return { store, told }
  }

  test('tells each change once, and takes no older version than it has', () => {
    const { store, told } = create()
    for (const version of ['5', '5', '4', '6']) store.put(item('a', version))
    store.remove(item('a', '3'))
    store.remove(item('a', '7'))
    store.remove(item('a', '8'))
    expect(told).toEqual(['ns/a - 5', 'ns/a 5 6', 'ns/a 6 -'])
  })

  test('tells what is news, and gives what it holds of that very version', () => {
    const { store } = create()
    const held = item('a', '5')
    store.put(held)
    expect(['4', '5', '6'].map((version) => store.isNews(item('a', version)))).toEqual([false, false, true])
    expect(store.isNews(item('b', '1'))).toBe(true)
    expect(['4', '5', '6'].map((version) => store.sameAs(item('a', version)))).toEqual([undefined, held, undefined])
    const unversioned = { metadata: { name: 'a', namespace: 'ns' } }
    expect(store.sameAs(unversioned)).toBe(undefined)
  })

  test('takes a whole list as it is, older versions included, and drops what is not in it, in its part alone', () => {
    const { store, told } = create()
    store.put(item('a', '9'))
    store.put(item('b', '9'))
    told.length = 0
    store.replace([item('a', '3')], (key) => key !== 'ns/c')
    expect(told).toEqual(['ns/b 9 -', 'ns/a 9 3'])
    store.replace([], (key) => key === 'ns/c')
    expect(store.size).toBe(1)
  })
})

describe('linesOf', () => {
  test('gives each whole line, however the bytes are cut', async () => {
    const bytes = Buffer.from('{"a":"ü€😀"}\n\n{"b":2}\n{"half"')
    for (const size of [1, 2, 3, 5, 100]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, i * size + size),
      )
      const lines: string[] = []
      for await (const line of linesOf(
        (async function* () {
          yield* chunks
        })(),
      ))
        lines.push(line)
      expect(lines).toEqual(['{"a":"ü€😀"}', '{"b":2}'])
    }
  })
})

describe('conflictsOf', () => {
  const conflict = (message: string) =>
    conflictsOf(
      new ApiError(409, { details: { causes: [{ reason: 'FieldManagerConflict', message, field: '.spec.x' }] } }),
    )
  test.each([
    ['an edit by hand passes', 'conflict with "kubectl-edit" using apps/v1', 'kubectl-edit', false],
    [
      'scaling by hand passes',
      'conflict with "kubectl" with subresource "scale" using apps/v1 at 2026',
      'kubectl',
      false,
    ],
    [
      'an autoscaler lasts',
      'conflict with "kube-controller-manager" with subresource "scale" using apps/v1',
      'kube-controller-manager',
      true,
    ],
    ['somebody who applies lasts', 'conflict with "argocd"', 'argocd', true],
    [
      'our own other name passes',
      'conflict with "socketserver-operator-initial"',
      'socketserver-operator-initial',
      false,
    ],
  ])('%s', (_name, message, manager, isLasting) => {
    expect(conflict(message)).toEqual([{ manager, field: '.spec.x', isLasting }])
  })
})
