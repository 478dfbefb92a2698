import { describe, expect, test } from 'vitest'
import { InvalidManifestError } from '../../../../../sidecar/control/config/invalid-manifest-error.ts'
import { selectManifest } from '../../../../../sidecar/control/config/select.ts'
import { host, listener, socketServer } from '../../../../support/manifest.ts'

const good = (metadata: object) =>
  JSON.stringify(socketServer({ metadata, listeners: [listener({ port: 8443 })], icsHosts: [host()] }))
const select = (text: string, name?: string) => selectManifest({ path: 'edge.yaml', text }, name)
const two = [good({ name: 'a' }), good({ name: 'b' })].join('\n---\n')

/** What a call throws. */
const thrown = (run: () => unknown): Error => {
  try {
    run()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

describe('selectManifest()', () => {
  test('takes the only one, whatever stands beside it', () => {
    const text = `apiVersion: v1\nkind: Secret\nmetadata: { name: x }\n---\n${good({ name: 'a' })}`
    expect(select(text).manifest.metadata.name).toBe('a')
    expect(select(text, 'a').manifest.metadata.name).toBe('a')
  })

  test('of several takes the one that is named, and without a name lists them', () => {
    expect(select(two, 'b').manifest.metadata.name).toBe('b')
    expect(thrown(() => select(two))).toMatchObject({
      code: 'SS_USAGE',
      exitCode: 2,
      message: expect.stringContaining('holds 2 SocketServers, and one process serves one: "a", "b"'),
      hint: expect.stringContaining('--name a'),
    })
  })

  test('a name that none has is told, with those there are', () => {
    expect(thrown(() => select(two, 'c'))).toMatchObject({ code: 'SS_USAGE', hint: 'it holds "a", "b"' })
  })

  test('tells the same name in two namespaces apart', () => {
    const text = [good({ name: 'a', namespace: 'x' }), good({ name: 'a', namespace: 'y' })].join('\n---\n')
    expect(thrown(() => select(text, 'a'))).toMatchObject({ code: 'SS_USAGE' })
    expect(select(text, 'y/a').manifest.metadata.namespace).toBe('y')
  })

  test('a manifest with problems is thrown with all of them', () => {
    const text = JSON.stringify(socketServer({ listners: [], bindPolicy: 'x' }))
    const error = thrown(() => select(text))
    expect(error).toBeInstanceOf(InvalidManifestError)
    expect(error).toMatchObject({ code: 'SS_CONFIG_INVALID', exitCode: 1 })
    expect((error as InvalidManifestError).problems.length).toBe(2)
  })

  test('problems of another SocketServer in the file do not matter', () => {
    const text = `${JSON.stringify(socketServer({ metadata: { name: 'bad' }, x: 1 }))}\n---\n${good({ name: 'a' })}`
    expect(select(text, 'a').manifest.metadata.name).toBe('a')
  })

  test.each([
    ['', 'empty'],
    ['# nothing\n', 'no resource'],
    ['kind: Service\napiVersion: v1\n', 'no SocketServer'],
    ['just text', 'not a manifest'],
    ['a: b: c', ''],
    ['a: 1\na: 2', ''],
  ])('the text %j is a problem of the manifest', (text, message) => {
    const error = thrown(() => select(text)) as InvalidManifestError
    expect(error.code).toBe('SS_CONFIG_INVALID')
    expect(error.problems[0]?.message).toContain(message)
  })
})
