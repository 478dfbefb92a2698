#!/usr/bin/env node
import { dump } from 'js-yaml'
import { systemClock } from '../sidecar/base/clock.ts'
import { SocketServerError } from '../sidecar/base/errors.ts'
import { programVersion } from '../sidecar/base/program-files.ts'
import { createLog } from './logger.ts'
import { runManager } from './manager.ts'
import { helpText, readOptions } from './options.ts'
import { rolesOf } from './role.ts'

const version = programVersion()

const tell = (error: unknown): number => {
  if (!(error instanceof SocketServerError)) throw error
  process.stderr.write(`${error.message}\n${error.hint === undefined ? '' : `hint: ${error.hint}\n`}`)
  return error.exitCode
}

const main = async (): Promise<number> => {
  const command = readOptions(process.argv.slice(2), process.env, version, process.stderr.isTTY === true)
  if (command.kind === 'help') {
    process.stdout.write(helpText())
    return 0
  }
  const { options } = command
  if (command.kind === 'role') {
    const roles = rolesOf(options.namespaces, options.leaseNamespace ?? 'default', options.watchSecrets)
    process.stdout.write(roles.map((role) => `---\n${dump(role, { noRefs: true })}`).join(''))
    return 0
  }
  const logger = createLog(options.log, systemClock, (line) => process.stderr.write(line))
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      // Whoever asks twice does not want to wait.
      if (stop.signal.aborted) process.exit(1)
      logger('info', 'operator stopping', { signal })
      stop.abort(new Error('the operator is stopping'))
    })
  process.on('unhandledRejection', (error) => logger('error', 'defect', { error: String(error) }))
  await runManager({ ...options, clock: systemClock, logger, version, env: process.env }, stop.signal)
  return 0
}

process.exit(await main().catch(tell))
