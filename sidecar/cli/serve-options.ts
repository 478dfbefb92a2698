import { stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { nearest } from '../../crds/nearest.ts'
import { SocketServerError } from '../base/errors.ts'
import { LOG_FORMATS, type LogFormat } from '../control/log-line.ts'
import { type Arguments, type OptionSpec, usageError } from './command.ts'
import type { Terminal } from './terminal.ts'

/** The options that both `serve` and `validate` have. */
export const DIRECTORY_OPTIONS = {
  secrets: {
    type: 'string',
    value: 'DIR',
    help: 'directory with one directory per Secret: NAME/tls.crt, NAME/tls.key, NAME/ca.crt',
  },
  configmaps: { type: 'string', value: 'DIR', help: 'directory with one directory per ConfigMap: NAME/KEY' },
} as const satisfies Record<string, OptionSpec>

/** Where Secrets and ConfigMaps are. */
export interface Directories {
  readonly secretsDir: string
  readonly configMapsDir: string
}

const isDirectory = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}

/** A directory the user names must be there: a mistyped one would look like a server whose every Secret is missing. */
const requireDirectory = async (option: string, path: string, hint: string): Promise<string> => {
  if (await isDirectory(path)) return path
  throw new SocketServerError(
    'SS_INPUT_UNREADABLE',
    `"${path}", given by --${option}, is not a directory that can be read`,
    { hint },
  )
}

const BESIDE = 'look at the path; without the option the directory beside the manifest is used when there is one'

/**
 * The directories given by option, and by default `secrets` and `configmaps` beside the manifest (which need not exist).
 *
 * @throws SocketServerError SS_INPUT_UNREADABLE for a given directory that is not there
 */
export const readDirectories = async (given: Arguments, manifestPath: string): Promise<Directories> => {
  const beside = manifestPath === '-' ? '.' : dirname(manifestPath)
  const of = (option: string): Promise<string> => {
    const path = given.string(option)
    return path === undefined ? Promise.resolve(join(beside, option)) : requireDirectory(option, path, BESIDE)
  }
  return { secretsDir: await of('secrets'), configMapsDir: await of('configmaps') }
}

/**
 * A directory given by option, undefined without it.
 *
 * @throws SocketServerError SS_INPUT_UNREADABLE when it is not there
 */
export const readDirectory = async (given: Arguments, option: string): Promise<string | undefined> => {
  const path = given.string(option)
  return path === undefined
    ? undefined
    : await requireDirectory(option, path, 'look at the path, or create the directory')
}

/**
 * The log's format given by option; by default for people on a terminal and JSON elsewhere.
 *
 * @throws SocketServerError SS_USAGE
 */
export const readLogFormat = (given: Arguments, terminal: Terminal): LogFormat => {
  const value = given.string('log')
  if (value === undefined) return terminal.isInteractive ? 'pretty' : 'json'
  const format = LOG_FORMATS.find((one) => one === value)
  if (format !== undefined) return format
  const near = nearest(value, LOG_FORMATS)
  throw usageError(
    `the log format "${value}" is not known`,
    `${near === undefined ? '' : `did you mean "${near}"? `}give --log json or --log pretty`,
  )
}

/** Processes at the most; more is taken for a mistake. */
const MOST_WORKERS = 256

/**
 * The number of workers given by option; `auto` is one per processor this process may use.
 *
 * @throws SocketServerError SS_USAGE for anything else
 */
export const readWorkers = (given: Arguments): number => {
  const text = given.string('workers')
  if (text === undefined) return 1
  if (text === 'auto') return availableParallelism()
  const workers = Number(text)
  if (/^\d+$/.test(text) && workers >= 1 && workers <= MOST_WORKERS) return workers
  throw usageError(
    `"${text}", given by --workers, is not a number of processes`,
    `give a number from 1 to ${MOST_WORKERS}, or auto`,
  )
}

/**
 * A number of seconds given by option, 0 to 3600.
 *
 * @throws SocketServerError SS_USAGE for anything else
 */
export const readSeconds = (given: Arguments, option: string, otherwise: number): number => {
  const text = given.string(option)
  if (text === undefined) return otherwise
  const seconds = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && seconds <= 3600) return seconds
  throw usageError(`"${text}", given by --${option}, is not a number of seconds`, 'give a number from 0 to 3600')
}
