import { homedir, hostname } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { nearest } from '../crds/nearest.ts'
import { SocketServerError } from '../sidecar/base/errors.ts'
import type { LogFormat } from './logger.ts'
import type { ProbeAddress } from './probes.ts'
import { IMAGE_PULL_POLICIES, type ImagePullPolicy } from './reconcile/objects/child.ts'

/** How the operator is to run. */
export interface OperatorOptions {
  /** Undefined: the service account of the pod. */
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
  /** Empty: every namespace. */
  readonly namespaces: readonly string[]
  readonly image: string
  /** Undefined: left to the cluster. */
  readonly imagePullPolicy: ImagePullPolicy | undefined
  readonly workers: number
  /** Undefined: nowhere. */
  readonly probes: ProbeAddress | undefined
  readonly leaderElect: boolean
  /** Undefined: the namespace of the credentials. */
  readonly leaseNamespace: string | undefined
  /** How long a lease counts without being renewed. */
  readonly leaseSeconds: number
  readonly identity: string
  readonly preStopSeconds: number
  readonly watchSecrets: boolean
  readonly log: LogFormat
}

type Environment = Readonly<Record<string, string | undefined>>

/** Every option, with what it does, as help prints it. */
export const OPTION_TABLE = {
  kubeconfig: {
    type: 'string',
    value: 'FILE',
    help: 'how to reach the API server ($KUBECONFIG, else the service account of the pod, else ~/.kube/config)',
  },
  context: { type: 'string', value: 'NAME', help: 'context of the kubeconfig (its current one)' },
  namespace: {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'where SocketServers are looked after; may be repeated (every namespace)',
  },
  image: { type: 'string', value: 'IMAGE', help: 'image of the engine (socketserver:VERSION)' },
  'image-pull-policy': {
    type: 'string',
    value: 'POLICY',
    help: 'when nodes pull that image: Always, IfNotPresent or Never (left to the cluster)',
  },
  workers: { type: 'string', value: 'COUNT', help: 'SocketServers worked on at a time, 1 to 256 (16)' },
  probes: {
    type: 'string',
    value: 'ADDRESS:PORT',
    help: 'where /healthz, /readyz and /metrics are answered, or none (127.0.0.1:8910)',
  },
  'no-leader-elect': { type: 'boolean', help: 'work at once, without a lease; for one replica alone' },
  'lease-namespace': {
    type: 'string',
    value: 'NAME',
    help: 'namespace of the lease (that of the credentials, else default)',
  },
  'lease-duration': {
    type: 'string',
    value: 'SECONDS',
    help: 'how long a lease counts that is not renewed, 3 to 300; a killed leader is replaced after that (12)',
  },
  identity: { type: 'string', value: 'NAME', help: 'name of this replica in the lease (host name and process)' },
  'pre-stop': {
    type: 'string',
    value: 'SECONDS',
    help: 'seconds an ending pod accepts clients that the cluster still sends, 0 to 300 (5)',
  },
  'watch-secrets': {
    type: 'boolean',
    help: 'bring a changed Secret or CA to the pods at once; needs the right to list Secrets, asks for metadata only',
  },
  log: { type: 'string', value: 'FORMAT', help: 'json or pretty (pretty on a terminal, else json)' },
  help: { type: 'boolean', short: 'h', help: 'print this help' },
} as const

const refuse = (detail: string, hint: string) => new SocketServerError('SS_USAGE', detail, { hint })

const numberOf = (option: string, text: string, least: number, most: number): number => {
  const number = Number(text)
  if (/^[0-9]+$/.test(text) && number >= least && number <= most) return number
  throw refuse(`"${text}", given by --${option}, is no number`, `give a whole number from ${least} to ${most}`)
}

const probesOf = (text: string): ProbeAddress | undefined => {
  if (text === 'none') return undefined
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]+)):([0-9]{1,5})$/.exec(text) ?? []
  if (port === undefined || Number(port) > 65535)
    throw refuse(`"${text}", given by --probes, is not of the form ADDRESS:PORT`, 'give for example [::]:8910, or none')
  return { address: bracketed ?? plain ?? '', port: Number(port) }
}

const pullPolicyOf = (text: string | undefined): ImagePullPolicy | undefined => {
  const known = IMAGE_PULL_POLICIES.find((policy) => policy === text)
  if (text === undefined || known !== undefined) return known
  throw refuse(
    `the policy "${text}", given by --image-pull-policy, is not known`,
    `give one of ${IMAGE_PULL_POLICIES.join(', ')}`,
  )
}

const logOf = (text: string | undefined, isInteractive: boolean): LogFormat => {
  if (text === undefined) return isInteractive ? 'pretty' : 'json'
  if (text === 'json' || text === 'pretty') return text
  throw refuse(`the log format "${text}" is not known`, 'give --log json or --log pretty')
}

const kubeconfigOf = (given: string | undefined, env: Environment): string | undefined => {
  if (given !== undefined) return given
  const [first] = (env['KUBECONFIG'] ?? '').split(':').filter((path) => path !== '')
  if (first !== undefined) return first
  return env['KUBERNETES_SERVICE_HOST'] ? undefined : join(env['HOME'] ?? homedir(), '.kube', 'config')
}

/** What was asked for: to run, to print roles, or to print help. */
export type OperatorCommand =
  | { readonly kind: 'run' | 'role'; readonly options: OperatorOptions }
  | { readonly kind: 'help' }

/**
 * Reads the words behind the program's name.
 *
 * @throws SocketServerError SS_USAGE
 */
export function readOptions(
  words: readonly string[],
  env: Environment,
  version: string,
  isInteractive: boolean,
): OperatorCommand {
  const options = Object.fromEntries(
    Object.entries(OPTION_TABLE).map(([name, { type, ...more }]) => [
      name,
      { type, ...('multiple' in more ? { multiple: true } : {}), ...('short' in more ? { short: more.short } : {}) },
    ]),
  )
  let parsed: { readonly values: Readonly<Record<string, unknown>>; readonly positionals: readonly string[] }
  try {
    parsed = parseArgs({ args: [...words], options, allowPositionals: true, strict: true })
  } catch (error) {
    const [, name = ''] = /'--?([^'\s,]*)/.exec((error as Error).message) ?? []
    const near = nearest(name, Object.keys(OPTION_TABLE))
    throw refuse((error as Error).message, near === undefined ? '--help lists the options' : `did you mean --${near}?`)
  }
  const { values, positionals } = parsed
  const text = (name: keyof typeof OPTION_TABLE) => (typeof values[name] === 'string' ? values[name] : undefined)
  if (values['help'] === true) return { kind: 'help' }
  const [word, ...rest] = positionals
  if ((word !== undefined && word !== 'role') || rest.length > 0)
    throw refuse(
      `the word "${[word, ...rest].at(-1)}" is not known`,
      'there is one command, role; --help lists the options',
    )
  return {
    kind: word === 'role' ? 'role' : 'run',
    options: {
      kubeconfig: kubeconfigOf(text('kubeconfig'), env),
      context: text('context'),
      namespaces: Array.isArray(values['namespace']) ? [...new Set(values['namespace'].map(String))] : [],
      image: text('image') ?? `socketserver:${version}`,
      imagePullPolicy: pullPolicyOf(text('image-pull-policy')),
      workers: numberOf('workers', text('workers') ?? '16', 1, 256),
      probes: probesOf(text('probes') ?? '127.0.0.1:8910'),
      leaderElect: values['no-leader-elect'] !== true,
      leaseNamespace: text('lease-namespace'),
      leaseSeconds: numberOf('lease-duration', text('lease-duration') ?? '12', 3, 300),
      identity: text('identity') ?? `${hostname()}_${process.pid}_${Math.random().toString(36).slice(2, 8)}`,
      preStopSeconds: numberOf('pre-stop', text('pre-stop') ?? '5', 0, 300),
      watchSecrets: values['watch-secrets'] === true,
      log: logOf(text('log'), isInteractive),
    },
  }
}

/** What `--help` prints. */
export const helpText = (): string => {
  const rows = Object.entries(OPTION_TABLE).map(([name, option]) => {
    const value = 'value' in option ? ` ${option.value}` : ''
    return [`--${name}${value}`, option.help] as const
  })
  const width = Math.max(...rows.map(([left]) => left.length))
  return [
    'usage: socketserver operator [options]        looks after the SocketServers of a cluster',
    '       socketserver operator role [options]   prints the roles it needs',
    '',
    ...rows.map(([left, help]) => `  ${left.padEnd(width)}  ${help}`),
    '',
  ].join('\n')
}
