import { describe, expect, test } from 'vitest'
import { ApiError } from '../../../operator/kube/api-error.ts'
import { OlderDefinition } from '../../../operator/older-definition.ts'
import { statusOf } from '../../../operator/reconcile/status.ts'
import { factsOf } from './reconcile/sample.ts'

const status = statusOf(factsOf())
const undeclared = (...fields: string[]) =>
  new ApiError(500, { message: fields.map((field) => `.status.${field}: field not declared in schema`).join('\n') })
const invalid = (field: string) =>
  new ApiError(422, { message: 'it is invalid', details: { causes: [{ field, message: 'Unsupported value' }] } })

const create = () => {
  const told: string[] = []
  let now = 0
  const definition = new OlderDefinition({ now: () => now }, (_level, _message, fields) => {
    told.push(String(fields?.['missing']))
  })
  return {
    definition,
    told,
    wait: (ms: number) => {
      now += ms
    },
  }
}

describe('a status that an older definition refuses', () => {
  test.each([
    ['fields it does not have', undeclared('hosts', 'listeners[name="https"].later'), ['hosts', 'listeners']],
    ['a value it does not have', invalid('status.icsHosts[3].grade'), ['icsHosts']],
  ])('for %s is written without them, and says why', (_name, error, fields) => {
    const { definition, told } = create()
    expect(definition.fit(status)).toEqual(status)
    definition.learn(error)
    definition.learn(error)
    const fitted = definition.fit(status)
    expect(Object.keys(status).filter((field) => !(field in fitted))).toEqual(fields)
    expect(told).toEqual(fields.map((field) => `status.${field}`))
    const [accepted, ...others] = fitted.conditions ?? []
    expect(accepted?.message).toMatch(/is older than this operator .*: install that of this release$/)
    expect(others).toEqual(status.conditions?.slice(1))
  })

  test('is tried whole again after ten minutes', () => {
    const { definition, wait } = create()
    definition.learn(undeclared('hosts'))
    wait(599_999)
    expect(definition.fit(status)).not.toHaveProperty('hosts')
    wait(1)
    expect(definition.fit(status)).toEqual(status)
  })

  test.each([
    ['for another reason', new ApiError(500, { message: 'etcd is away' })],
    ['in its conditions, without which nothing is told', undeclared('conditions')],
    ['by nobody', new Error('no answer in time')],
  ])('%s stays whole', (_name, error) => {
    const { definition } = create()
    definition.learn(error)
    expect(definition.fit(status)).toEqual(status)
  })
})
