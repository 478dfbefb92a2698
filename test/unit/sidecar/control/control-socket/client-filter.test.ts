import { describe, expect, test } from 'vitest'
import { filterClients } from '../../../../../sidecar/control/control-socket/client-filter.ts'
import type { ClientState } from '../../../../../sidecar/engine/ports.ts'

const client = (clientId: string, changes: Partial<ClientState>): ClientState => ({
  ...{ clientId, listener: 'https', hostTag: 'shop', peerAddress: '192.0.2.1', peerPort: 1000 },
  ...{ localAddress: '192.0.2.9', localPort: 443, serverName: undefined, alpnProtocol: undefined, tls: undefined },
  ...{ backend: '', receivedBytes: 0, sentBytes: 0, phase: 'serve', ageMs: 0, idleMs: 0 },
  ...changes,
})
const clients = [
  client('a', {}),
  client('b', { peerAddress: '192.0.2.77', listener: 'http', hostTag: '' }),
  client('c', { peerAddress: '2001:db8::1', peerPort: 443, hostTag: 'news' }),
  client('d', { peerAddress: '', peerPort: 0, listener: 'gone' }),
]
const known = { listeners: ['https', 'http'], hosts: ['shop', 'news', 'quiet'] }
const ids = (filter: Parameters<typeof filterClients>[1]) =>
  filterClients(clients, filter, known).map((one) => one.clientId)

describe('filterClients()', () => {
  test.each([
    [{}, ['a', 'b', 'c', 'd']],
    [{ listener: 'https' }, ['a', 'c']],
    [{ listener: 'gone' }, ['d']],
    [{ host: 'news' }, ['c']],
    [{ host: 'quiet' }, []],
    [{ host: '' }, ['b']],
    [{ listener: 'https', host: 'shop' }, ['a', 'd'].slice(0, 1)],
    [{ peer: '192.0.2.1' }, ['a']],
    [{ peer: '192.0.2.0/24' }, ['a', 'b']],
    [{ peer: '192.0.2.64/26' }, ['b']],
    [{ peer: '192.0.2.1:1000' }, ['a']],
    [{ peer: '192.0.2.1:1001' }, []],
    [{ peer: '2001:db8::/32' }, ['c']],
    [{ peer: '2001:0db8:0::1' }, ['c']],
    [{ peer: '[2001:db8::1]:443' }, ['c']],
    [{ peer: '0.0.0.0/0' }, ['a', 'b']],
  ])('%j finds %j', (filter, found) => expect(ids(filter)).toEqual(found))

  test.each([
    [{ listener: 'htps' }, 'there is no listener "htps"', 'did you mean "https"?'],
    [{ host: 'shp' }, 'there is no host "shp"', 'did you mean "shop"?'],
    [{ peer: 'example.com' }, 'the peer "example.com" is no address', '192.0.2.0/24'],
    [{ peer: '192.0.2.0/33' }, 'is no address', ''],
    [{ peer: '::1/129' }, 'is no address', ''],
    [{ peer: '192.0.2/24' }, 'is no address', ''],
    [{ peer: '[192.0.2.1]:80' }, 'is no address', ''],
    [{ peer: '' }, 'is no address', ''],
  ])('%j is refused: %s', (filter, message, hint) => {
    const refused = expect.objectContaining({
      status: 400,
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    })
    let thrown: unknown
    try {
      ids(filter)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toEqual(refused)
  })
})
