import { describe, expect, test } from 'vitest'
import { CLIENT_COLUMNS, clientOrder, SORT_KEYS } from '../../../../sidecar/cli/client-columns.ts'
import type { ClientReport } from '../../../../sidecar/control/control-socket/client-report.ts'

const client = (clientId: string, changes: Partial<ClientReport> = {}): ClientReport => ({
  ...{ clientId, listener: 'https', host: 'shop', peer: '192.0.2.1:1', local: '192.0.2.9:443', phase: 'serve' },
  ...{ ageMs: 0, idleMs: 0, receivedBytes: 0, sentBytes: 0 },
  ...changes,
})
const sorted = (by: string, clients: readonly ClientReport[]) =>
  [...clients].sort(clientOrder(by)).map(({ clientId }) => clientId)

describe('the order of clients', () => {
  const clients = [
    client('c-10', { peer: '192.0.2.10:5', ageMs: 60_000, host: 'b', sentBytes: 9 }),
    client('c-z', { peer: '192.0.2.9:5', ageMs: 3_600_000, host: 'a', sentBytes: 10 }),
    client('c-2', { peer: '192.0.2.9:40', ageMs: 59_000, host: 'b', sentBytes: 100 }),
  ]
  test.each([
    ['id', ['c-2', 'c-z', 'c-10']],
    ['-id', ['c-10', 'c-z', 'c-2']],
    ['peer', ['c-z', 'c-2', 'c-10']],
    ['age', ['c-2', 'c-10', 'c-z']],
    ['-sent', ['c-2', 'c-z', 'c-10']],
    ['host,-age', ['c-z', 'c-10', 'c-2']],
    ['HOST, age', ['c-z', 'c-2', 'c-10']],
    // Equal in all: as they came.
    ['listener', ['c-10', 'c-z', 'c-2']],
  ])('by %s is %j', (by, ids) => expect(sorted(by, clients)).toEqual(ids))

  test('every column can be sorted by', () => {
    expect(SORT_KEYS).toHaveLength(CLIENT_COLUMNS.length)
    for (const key of SORT_KEYS) expect(sorted(key, clients)).toHaveLength(3)
  })

  test.each([
    ['agee', 'did you mean "age"?'],
    ['', 'there are id, listener'],
    ['host,', 'there are id, listener'],
  ])('by %j is refused with the names there are', (by, hint) => {
    expect(() => clientOrder(by)).toThrow(
      expect.objectContaining({ code: 'SS_USAGE', hint: expect.stringContaining(hint) }),
    )
  })
})
