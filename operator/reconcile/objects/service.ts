import type { SocketServerSpec } from '../../../crds/index.ts'
import type { KubeObject } from '../../kube/objects.ts'
import { selectorLabels } from '../names.ts'
import { childObject, type Parent } from './child.ts'

interface ServicePort {
  readonly name: string
  readonly protocol: 'TCP'
  readonly port: number
  readonly targetPort: number
  readonly nodePort?: number
}

/** One port for each listener; listeners that share a port on several addresses share it here. */
function portsOf({ listeners, service }: SocketServerSpec): ServicePort[] {
  const declared = new Map(service.ports.map((port) => [port.listener, port]))
  const ports = new Map<number, ServicePort>()
  for (const listener of listeners) {
    const { port = listener.port, nodePort } = declared.get(listener.name) ?? {}
    if (ports.has(port)) continue
    ports.set(port, {
      name: listener.name,
      protocol: 'TCP',
      port,
      targetPort: listener.port,
      ...(nodePort === undefined ? {} : { nodePort }),
    })
  }
  return [...ports.values()]
}

/** How clients reach the pods. */
export const serviceOf = (parent: Parent): KubeObject => {
  const { type, annotations, loadBalancerClass, externalTrafficPolicy, ipFamilyPolicy } = parent.spec.service
  const content = {
    spec: {
      type,
      ...(loadBalancerClass === undefined ? {} : { loadBalancerClass }),
      ...(externalTrafficPolicy === undefined ? {} : { externalTrafficPolicy }),
      ...(ipFamilyPolicy === undefined ? {} : { ipFamilyPolicy }),
      selector: selectorLabels(parent.metadata.name),
      ports: portsOf(parent.spec),
    },
  }
  return childObject('Service', parent, content, annotations)
}
