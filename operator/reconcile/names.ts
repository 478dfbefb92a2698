import { hash } from 'node:crypto'

/** Who manages the children, as `app.kubernetes.io/managed-by` tells. */
export const MANAGED_BY = 'socketserver-operator'

/** Annotation of a pod: a new value makes the kubelet bring its changed volumes at once. */
export const NUDGE_ANNOTATION = 'icshosts.io/configuration'

/** Name of the container port on which an engine tells its state. */
export const ADMIN_PORT_NAME = 'admin'

/** Name of the volume with the configuration of an engine. */
export const CONFIG_VOLUME_NAME = 'config'

/** Digits of a hash in names. */
const DIGITS = 10
/** Room for the suffixes that a Deployment gives its pods, within the 63 characters of a label. */
const MOST_NAME = 46
const MOST_LABEL = 63

/** The first hexadecimal digits of the SHA-256 of a text. */
export const shortHash = (text: string): string => hash('sha256', text).slice(0, DIGITS)

const HASHED = /-[0-9a-f]{10}$/

/** The text itself where it may stand, else as much of it as fits and a hash; what looks hashed is hashed, so that no two meet. */
const fitted = (text: string, most: number, form: RegExp): string => {
  if (text.length <= most && form.test(text) && !HASHED.test(text)) return text
  const kept = text.slice(0, most - DIGITS - 3).replaceAll(/[^a-z0-9-]/g, '-')
  return `${/^[a-z]/.test(kept) ? kept : `n-${kept}`}-${shortHash(text)}`
}

const LABEL = /^[a-z][a-z0-9-]*$/

/** Name of the children of a SocketServer; a DNS label, and no two SocketServers of a namespace share it. */
export const childName = (name: string): string => `${fitted(name, MOST_NAME, LABEL)}-ics`

/** What the label `app.kubernetes.io/instance` holds for a SocketServer. */
export const instanceOf = (name: string): string => fitted(name, MOST_LABEL, /./)

/** Labels by which the pods of a SocketServer are found; they never change. */
export const selectorLabels = (name: string): Readonly<Record<string, string>> => ({
  'app.kubernetes.io/name': 'socketserver',
  'app.kubernetes.io/instance': instanceOf(name),
})

/** Labels of every child. */
export const childLabels = (name: string): Readonly<Record<string, string>> => ({
  ...selectorLabels(name),
  'app.kubernetes.io/component': 'listener',
  'app.kubernetes.io/part-of': 'socketserver',
  'app.kubernetes.io/managed-by': MANAGED_BY,
})

/** Name of the volume of a Secret or ConfigMap. */
export const volumeName = (kind: 'Secret' | 'ConfigMap', name: string): string =>
  `${kind.toLowerCase()}-${fitted(name, MOST_NAME, LABEL)}`
