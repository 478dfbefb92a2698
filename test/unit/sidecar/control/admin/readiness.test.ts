import { expect, test } from 'vitest'
import { judgeReadiness } from '../../../../../sidecar/control/admin/readiness.ts'
import type { ListenState } from '../../../../../sidecar/engine/ports.ts'

const listening: ListenState = {
  name: 'a',
  state: 'Listening',
  address: '::',
  port: 443,
  socketFamily: 'Any',
  tls: true,
  clients: 0,
  error: '',
}
const failed: ListenState = { ...listening, name: 'b', state: 'Closed', error: 'port 444 is in use' }
const starting: ListenState = { ...listening, name: 'c', state: 'Closed' }
const good = { bindPolicy: 'BestEffort', listeners: [listening], configuration: undefined, stopping: false } as const

const cases = {
  'is ready when every listener listens': [good, true, []],
  'is ready with BestEffort beside a listener that cannot listen, and says so': [
    { ...good, listeners: [listening, failed] },
    true,
    ['listener "b" does not listen: port 444 is in use'],
  ],
  'is not ready with AllOrNothing beside a listener that cannot listen': [
    { ...good, bindPolicy: 'AllOrNothing', listeners: [listening, failed] },
    false,
    ['listener "b" does not listen: port 444 is in use'],
  ],
  'is not ready when nothing listens': [
    { ...good, listeners: [failed] },
    false,
    ['listener "b" does not listen: port 444 is in use'],
  ],
  'is not ready while a listener has not tried yet': [
    { ...good, listeners: [listening, starting] },
    false,
    ['listener "c" does not listen'],
  ],
  'is not ready while another configuration is on disk': [
    { ...good, configuration: 'another one' },
    false,
    ['another one'],
  ],
  'is not ready while it stops': [{ ...good, stopping: true }, false, ['the server is stopping']],
} as const

for (const [name, [facts, ready, lines]] of Object.entries(cases)) {
  test(`judgeReadiness() ${name}`, () => expect(judgeReadiness(facts)).toEqual({ ready, lines }))
}
