/** What the setup of the suite tells the tests; plain data, since they run in other processes. */
export interface ProvidedCluster {
  readonly kubeconfig: string
  /** The program. */
  readonly kubectl: string
  /** An address of a node, at which NodePorts are reached. */
  readonly nodeAddress: string
  /** The image of operator and engine, as pods name it. */
  readonly image: string
  /** The node that the suite made; undefined on a cluster of somebody else. */
  readonly ownNode:
    | {
        /** Socket of the control plane, for {@link remotePlane}. */
        readonly planeSocket: string
        /** Directories of the control groups of its pods. */
        readonly controlGroups: readonly string[]
        /** Another name of the image. */
        readonly otherImage: string
        /** Whether pods and Services have addresses of IPv6. */
        readonly hasIpv6: boolean
        readonly nodeName: string
      }
    | undefined
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly e2eCluster: ProvidedCluster
  }
}
