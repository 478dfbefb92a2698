import { describe, expect, test } from 'vitest'
import { ControlError, type ControlTarget } from '../../../../../sidecar/control/control-socket/control-target.ts'
import { answerControl } from '../../../../../sidecar/control/control-socket/verbs.ts'

/** Records what is called, and answers with it. */
const target = (): ControlTarget & { readonly calls: unknown[] } => {
  const calls: unknown[] = []
  const note =
    (name: string) =>
    async (...args: unknown[]) => {
      calls.push([name, ...args])
      return { called: name } as never
    }
  return {
    calls,
    states: note('states'),
    clients: note('clients'),
    disconnect: note('disconnect'),
    certs: note('certs'),
    recheck: note('recheck'),
    drain: note('drain'),
    totals: note('totals'),
  }
}

describe('the verbs of the control socket', () => {
  test.each([
    ['GET', '/v1/states', undefined, ['states']],
    ['GET', '/v1/clients', undefined, ['clients', {}]],
    ['GET', '/v1/clients?host=a&peer=192.0.2.0%2F24', undefined, ['clients', { host: 'a', peer: '192.0.2.0/24' }]],
    ['POST', '/v1/disconnect', { clientIds: ['c-1', 'c-2'] }, ['disconnect', ['c-1', 'c-2']]],
    ['GET', '/v1/certs', undefined, ['certs']],
    ['POST', '/v1/recheck', undefined, ['recheck']],
    ['POST', '/v1/drain', {}, ['drain']],
    ['GET', '/v1/totals', undefined, ['totals']],
  ])('%s %s', async (method, url, body, call) => {
    const to = target()
    await answerControl({ method, url, body }, to)
    expect(to.calls).toEqual([call])
  })

  test.each([
    ['GET', '/v1/clents', undefined, 404, 'there is no verb "/v1/clents"', 'did you mean GET /v1/clients?'],
    ['GET', '/v1/', undefined, 404, 'there is no verb', 'GET /v1/states'],
    ['GET', '/', undefined, 404, 'there is no verb', 'GET /v1/states'],
    ['GET', '/v1/toString', undefined, 404, 'there is no verb', 'GET /v1/states'],
    ['GET', '/v2/states', undefined, 404, 'there is no verb "/v2/states"', 'GET /v1/states'],
    ['GET', '/v1/drain', undefined, 405, '"drain" is not asked by GET', 'POST /v1/drain'],
    ['POST', '/v1/states', undefined, 405, '"states" is not asked by POST', 'GET /v1/states'],
    ['DELETE', '/v1/disconnect', undefined, 405, 'not asked by DELETE', 'POST'],
    ['GET', '/v1/clients?hots=a', undefined, 400, '"hots" is not known here', 'did you mean "host"?'],
    ['GET', '/v1/clients?host=a&host=b', undefined, 400, '"host" is given twice', 'once'],
    ['GET', '/v1/states?x=1', undefined, 400, '"x" is not known here', 'nothing can be given here'],
    ['POST', '/v1/disconnect', undefined, 400, 'the body is not a JSON object', 'clientIds'],
    ['POST', '/v1/disconnect', {}, 400, '"clientIds" is not a list of ids', '["c-1"]'],
    ['POST', '/v1/disconnect', { clientIds: [] }, 400, '"clientIds" is not a list of ids', '["c-1"]'],
    ['POST', '/v1/disconnect', { clientIds: [1] }, 400, '"clientIds" is not a list of ids', '["c-1"]'],
    [
      'POST',
      '/v1/disconnect',
      { clientids: ['c-1'] },
      400,
      '"clientids" is not known here',
      'did you mean "clientIds"?',
    ],
    ['POST', '/v1/drain', { now: true }, 400, '"now" is not known here', 'nothing can be given here'],
    ['POST', '/v1/recheck', [], 400, 'the body is not a JSON object', ''],
  ])('%s %s with %j is refused: %i %s', async (method, url, body, status, message, hint) => {
    const to = target()
    const refused = await answerControl({ method, url, body }, to).then(
      () => undefined,
      (error: unknown) => error as ControlError,
    )
    expect(refused).toBeInstanceOf(ControlError)
    expect(refused?.status).toBe(status)
    expect(refused?.message).toContain(message)
    expect(refused?.hint).toContain(hint)
    expect(to.calls).toEqual([])
  })
})
