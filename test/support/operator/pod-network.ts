// Loaded into an engine before anything else (`node --import`): gives the process the address of its pod and no other, as the
// network namespace of a pod does. Where it asks for every address it gets that one, so that several pods run on one machine.
import { Server } from 'node:net'

const podIp = process.env['TEST_POD_IP']
const listen = Server.prototype.listen
const EVERY = new Set<unknown>(['::', '0.0.0.0'])

function listenInPod(this: Server, ...args: unknown[]): Server {
  const [first, second] = args
  if (typeof first === 'object' && first !== null && 'host' in first && EVERY.has(first.host))
    args[0] = { ...first, host: podIp, ipv6Only: false }
  else if (EVERY.has(second)) args[1] = podIp
  return listen.apply(this, args as Parameters<typeof listen>)
}

if (podIp !== undefined) Server.prototype.listen = listenInPod as typeof listen
