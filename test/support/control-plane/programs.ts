/** The programs a cluster is made of, and what its people use. */
export type Program = keyof typeof PACKAGES

/** What every control plane needs. Ready-made archives hold exactly these. */
export const BASE_PROGRAMS: readonly Program[] = ['etcd', 'kube-apiserver', 'kubectl']

/** Everything a control plane can run, in the order in which building is worth most. */
export const ALL_PROGRAMS: readonly Program[] = [...BASE_PROGRAMS, 'kube-controller-manager', 'kube-scheduler']

/** What makes a node of a machine, beside what its distribution has. */
export const NODE_PROGRAMS: readonly Program[] = ['pause', 'coredns', 'kube-proxy', 'kubelet']

/** Go packages; those of this repository begin with `./`. */
const PACKAGES = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  kubelet: 'k8s.io/kubernetes/cmd/kubelet',
  'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
  coredns: './coredns',
  pause: './pause',
} as const

/** The Go package of a program. */
export const packageOf = (program: Program): string => PACKAGES[program]

/** Which Kubernetes is asked for. */
export interface WantedVersion {
  /** For example `1.37`. */
  readonly minor: string
  /** For example `v1.37.2`; undefined leaves the patch to what there is. */
  readonly patch: string | undefined
  /** Whether another patch of the minor will not do. */
  readonly exact: boolean
}

/**
 * Reads `KUBERNETES_VERSION`: `1.35`, `1.35.4` and `v1.35.4` are understood. Unset or empty means `pinned`, or any
 * other patch of its minor when that is at hand. Throws on anything else.
 */
export function wantedVersion(asked: string | undefined, pinned: string): WantedVersion {
  if (asked === undefined || asked === '') return { minor: minorOf(pinned), patch: pinned, exact: false }
  const match = /^v?(1\.\d+)(\.\d+)?$/.exec(asked)
  if (match === null) {
    throw new Error(
      `KUBERNETES_VERSION is "${asked}", which is no release: set it to a minor ("1.35") or a patch ("1.35.4")`,
    )
  }
  const [, minor = '', patch] = match
  if (patch !== undefined) return { minor, patch: `v${minor}${patch}`, exact: true }
  return { minor, patch: minor === minorOf(pinned) ? pinned : undefined, exact: false }
}

/** The minor of a version: `1.37` of `v1.37.2`. */
export const minorOf = (version: string): string => version.replace(/^v?(\d+\.\d+).*$/, '$1')

/** The newest of some versions of one minor (`v1.37.2`), by their patch; undefined of none. */
export function newestPatch(versions: readonly string[]): string | undefined {
  const patch = (version: string) => Number(version.split('.')[2])
  return [...versions].sort((a, b) => patch(a) - patch(b)).at(-1)
}
