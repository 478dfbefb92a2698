import { type ControlClient, connectControl } from '../control/control-socket/control-client.ts'
import { findEngine } from '../control/control-socket/find-engine.ts'
import type { ControlPlace } from '../control/control-socket/open-control.ts'
import { runtimeFacts } from '../control/control-socket/runtime-directory.ts'
import { type Arguments, type OptionSpec, usageError } from './command.ts'

/** `--control` of what serves. */
export const CONTROL_PLACE_OPTION: OptionSpec = {
  type: 'string',
  value: 'PATH',
  help: 'UNIX socket on which the running engine is asked and told, or none (NAME.sock in the runtime directory)',
}

/** `--control` of what talks to a running engine. */
export const CONTROL_OPTION: OptionSpec = {
  type: 'string',
  value: 'PATH',
  help: 'control socket of the engine; needed when several run here',
}

const pathOf = (given: Arguments): string | undefined => {
  const path = given.string('control')
  if (path !== '') return path
  throw usageError('the option "--control" has no value', 'give the path of a UNIX socket')
}

/**
 * Where `serve` puts its control socket.
 *
 * @throws SocketServerError SS_USAGE
 */
export const readControlPlace = (given: Arguments): ControlPlace => {
  const path = pathOf(given)
  if (path === undefined) return { kind: 'default' }
  return path === 'none' ? { kind: 'none' } : { kind: 'path', path }
}

/**
 * Runs `work` with the engine that `--control` names, or with the only one that runs here.
 *
 * @throws SocketServerError SS_ENGINE_UNREACHABLE
 */
export const withEngine = async <T>(given: Arguments, work: (engine: ControlClient) => Promise<T>): Promise<T> => {
  const engine = connectControl(pathOf(given) ?? (await findEngine(runtimeFacts())))
  try {
    return await work(engine)
  } finally {
    engine.close()
  }
}
