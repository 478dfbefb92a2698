import { once } from 'node:events'
import net from 'node:net'
import { expect, test } from 'vitest'
import { systemClock } from '../../../../sidecar/base/clock.ts'
import type { ListenerConfiguration } from '../../../../sidecar/engine/configuration.ts'
import { Gate } from '../../../../sidecar/engine/gate.ts'
import { Listener } from '../../../../sidecar/engine/listener.ts'
import { ListeningSocket } from '../../../../sidecar/engine/listening-socket.ts'
import { emptyPlaces } from '../../../../sidecar/engine/places.ts'
import type { ListenState } from '../../../../sidecar/engine/ports.ts'
import { proxySettings } from '../../../../sidecar/engine/stages/proxy-header.ts'
import { HostTable } from '../../../../sidecar/engine/tls/host-table.ts'
import { eventually } from '../../../support/eventually.ts'
import { freePort } from '../../../support/ports.ts'

const proxyProtocol = { mode: 'None', trustedSources: [] } as const

async function listening() {
  const port = await freePort()
  const configuration: ListenerConfiguration = {
    ...{ name: 'tls', address: '127.0.0.1', port, socketFamily: 'Any', tls: false, listenBacklog: 511 },
    ...{ maxClients: 0, proxyProtocol },
  }
  const told: string[] = []
  const states: ListenState[] = []
  const gate = new Gate({
    ...{ maxClients: 0, maxClientsPerSource: 0, acceptRatePerSource: { perSecond: 0, burst: 0 }, allow: [], deny: [] },
    ...{ banner: Buffer.alloc(0), bannerTooBusy: Buffer.alloc(0), lanes: { tls: 1, plain: 1 } },
  })
  const ignore = () => {}
  const observer = { clientOpened: ignore, handshakeDone: ignore, clientClosed: ignore }
  const context = {
    ...{ clock: systemClock, gate, nextClientId: () => 'c-1' },
    timeouts: { handshakeMs: 1_000, idleMs: 0, lifetimeMs: 0, drainMs: 0 },
    log: (_level: string, message: string) => void told.push(message),
    observer: { ...observer, listenerChanged: (state: ListenState) => void states.push(state) },
  }
  const route = { tls: false, proxy: proxySettings(proxyProtocol), table: new HostTable([]) }
  const listener = new Listener(configuration, route, context as never, emptyPlaces())
  listener.become(configuration, route, await ListeningSocket.open(configuration))
  /** What the runtime does when accept(2) fails. */
  const fail = (code: string) => listener.server?.emit('error', Object.assign(new Error(`accept ${code}`), { code }))
  return { listener, port, told, states, fail, [Symbol.asyncDispose]: () => listener.close() }
}

const connects = async (port: number) => {
  const socket = net.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.destroy()
}

test('a single error of accept is told, once in ten seconds, and changes nothing', async () => {
  await using it = await listening()
  for (let i = 0; i < 5; i++) it.fail('ECONNABORTED')
  expect(it.told).toEqual(['cannot accept a client'])
  expect(it.listener.state().state).toBe('Listening')
  await connects(it.port)
})

test('a listener whose accept fails without end rests, says why, and listens again', async () => {
  await using it = await listening()
  for (let i = 0; i < 10; i++) it.fail('ENFILE')
  expect(it.listener.state()).toMatchObject({ state: 'Closed', error: expect.stringContaining('ENFILE') })
  expect(it.told).toHaveLength(1)
  await eventually(() => expect(it.listener.state()).toMatchObject({ state: 'Listening', error: '' }))
  await connects(it.port)
  expect(it.states.map(({ state }) => state)).toEqual(['Listening', 'Closed', 'Listening'])
})
