import { describe, expect, test } from 'vitest'
import { fieldDoc, listFields, parseSocketServer } from '../../../crds/index.ts'

const found = (path: string) => {
  const answer = fieldDoc(path)
  return answer.found ? answer.field.path : answer.nearest
}

describe('explain', () => {
  test.each([
    ['spec.icsHosts.handler.type', 'spec.icsHosts[].handler.type'],
    ['spec.icsHosts[].handler.type', 'spec.icsHosts[].handler.type'],
    ['icsHosts[3].handler.type', 'spec.icsHosts[].handler.type'],
    ['socketserver.spec.listeners', 'spec.listeners[]'],
    ['.spec.listeners[]', 'spec.listeners[]'],
    ['listenBacklog', 'spec.listeners[].listenBacklog'],
    ['metadata.name', 'metadata.name'],
    ['name', ['metadata.name', 'spec.listeners[].name']],
    ['', ''],
    ['icsHosts.handlr.type', ['spec.icsHosts[].handler.type']],
    ['spec.ListenBacklog', ['spec.listeners[].listenBacklog']],
    ['securitylevel', 'spec.icsHosts[].securityLevel'],
  ])('"%s" leads to %s', (path, answer) => {
    const result = found(path)
    if (Array.isArray(answer)) expect(result).toEqual(expect.arrayContaining(answer))
    else expect(result).toEqual(answer)
  })

  test('an answer never is empty-handed', () => {
    for (const path of ['x', 'zzzzzzzzzz', 'a.b.c.d', '..', '[[[', 'spec.'.repeat(1000)])
      expect(found(path)).not.toEqual([])
  })

  test('a field is told with type, default, bounds and values', () => {
    const answer = fieldDoc('spec.recheckSeconds')
    expect(answer.found && answer.field).toMatchObject({
      type: 'integer',
      required: false,
      default: '3600',
      bounds: '10 to 86400',
    })
    const level = fieldDoc('icsHosts.securityLevel')
    expect(level.found && level.field).toMatchObject({
      type: 'string',
      default: '"High"',
      values: expect.arrayContaining(['PostQuantum']),
    })
  })

  test.each(listFields().map((field) => [field.path, field] as const))(
    '%s has a description that says more than its name',
    (_, field) => {
      expect(field.description.length).toBeGreaterThan(15)
      expect(field.description).toMatch(/[.]$/)
    },
  )

  test.each(
    listFields()
      .filter((field) => !field.required && field.path.startsWith('spec') && field.description !== '')
      .map((field) => [field.path, field] as const),
  )('%s says what it is when absent', (_, field) => {
    expect(field.description).toMatch(/Absent:|Empty:|empty|Needed|Needs|Stands alone/)
  })

  test('each default stands in the description of its field', () => {
    for (const field of listFields()) {
      const value = field.default === undefined ? undefined : (JSON.parse(field.default) as unknown)
      if (typeof value === 'string' || typeof value === 'number')
        expect(field.description, field.path).toContain(`${value}`.slice(0, 20))
    }
  })

  test('the fields explained are the fields accepted', () => {
    const result = parseSocketServer({
      apiVersion: 'icshosts.io/v1alpha1',
      kind: 'SocketServer',
      metadata: { name: 'a' },
      spec: { nope: 1 },
    })
    const unknown = result.ok ? undefined : result.problems.find((problem) => problem.rule === 'unknown-field')
    const spec = fieldDoc('spec')
    expect(unknown?.cure).toBe(`remove it; the fields are ${spec.found ? spec.field.fields.join(', ') : ''}`)
  })
})
