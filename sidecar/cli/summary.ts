import type { Backend, HandlerSpec, SocketServer } from '../../crds/index.ts'
import { plannedHosts } from '../compose/planned-hosts.ts'
import { endpoint } from '../control/client-line.ts'
import { printable } from '../control/log-line.ts'
import type { ServerView } from '../control/server-view.ts'
import type { ListenState } from '../engine/ports.ts'

const FAMILIES = { Any: 'Any', IPv4: 'Only IPv4', IPv6: 'Only IPv6' } as const

/** One line per listener, counted from 1: `Socket 1 State: Listening Any on :: port 443 SSL`; behind one that is closed, why. */
export const listenStateLines = (states: readonly ListenState[]): string[] =>
  states.map((one, i) => {
    const family = FAMILIES[one.socketFamily]
    const line = `Socket ${i + 1} State: ${one.state} ${family} on ${one.address} port ${one.port}${one.tls ? ' SSL' : ''}`
    return one.error === '' ? line : `${line} (${printable(one.error)})`
  })

const backendName = (one: Backend): string => {
  if (one.service !== undefined) return `the Service ${endpoint(one.service.name, one.service.port)}`
  return one.unixPath ?? endpoint(one.host ?? '', one.port ?? 0)
}

const handlerText = ({ type, forward, passthrough, redirect }: HandlerSpec): string => {
  const backends = (forward ?? passthrough)?.backends.map(backendName).join(', ')
  if (backends !== undefined) return `${type} to ${backends}`
  return type === 'Redirect' ? `Redirect ${redirect?.statusCode ?? 302}` : type
}

/** One line per host that is served: names, listeners, handler and, where TLS ends, level and grade; below it what was found. */
export const hostLines = (manifest: SocketServer, view: ServerView): string[] => {
  const status = new Map(view.hosts().map((one) => [one.hostTag, one]))
  return plannedHosts(manifest.spec).flatMap((host) => {
    const { grade = 'None', messages = [] } = status.get(host.hostTag) ?? {}
    const names = [...host.hostNames, ...(host.isDefault ? ['every other name'] : [])].join(', ')
    const level = host.endsTls ? `, level ${host.securityLevel}, certificate ${grade}` : ''
    return [
      `Host ${host.hostTag}: ${names || 'no name'} on ${host.listeners.join(', ')}: ${handlerText(host.handler)}${level}`,
      ...messages.map((message) => `  ${printable(message)}`),
    ]
  })
}
