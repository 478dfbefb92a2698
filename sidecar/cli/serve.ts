import { access } from 'node:fs/promises'
import type { SocketServer } from '../../crds/index.ts'
import type { Log } from '../base/log.ts'
import { plannedHosts } from '../compose/planned-hosts.ts'
import { readManifestFile, readManifestInput, resolveManifestPath } from '../control/config/load.ts'
import { LOG_FORMATS } from '../control/log-line.ts'
import { parseAdmin } from './admin-option.ts'
import { type Arguments, type Command, usageError } from './command.ts'
import { CONTROL_PLACE_OPTION, readControlPlace } from './control-option.ts'
import { problemLines } from './problem-lines.ts'
import {
  DIRECTORY_OPTIONS,
  readDirectories,
  readDirectory,
  readLogFormat,
  readSeconds,
  readWorkers,
} from './serve-options.ts'
import type { Terminal } from './terminal.ts'

const serve = async (given: Arguments, terminal: Terminal): Promise<number> => {
  const file = given.string('file')
  if (file === undefined || file === '') {
    throw usageError('"serve" needs a manifest', 'give it by -f FILE, or by -f - on standard input')
  }
  const logFormat = readLogFormat(given, terminal)
  const admin = parseAdmin(given.string('admin') ?? '127.0.0.1:8900')
  const control = readControlPlace(given)
  const path = file === '-' ? '-' : await resolveManifestPath(file)
  const directories = await readDirectories(given, path)
  const read = path === '-' ? await readManifestInput(terminal.input) : await readManifestFile(path)
  // The contract, the engine and the metrics are loaded by who needs them: the other commands start in half the time.
  const { selectManifest } = await import('../control/config/select.ts')
  const { manifest, warnings } = selectManifest(read, given.string('name'))
  const warned = problemLines(warnings)
  if (logFormat === 'pretty') for (const line of warned) terminal.err.write(`warning: ${line}\n`)

  const selfSigned = given.flag('self-signed')
  const { runServer } = await import('./run-server.ts')
  return await runServer(
    {
      manifest,
      ...directories,
      selfSigned,
      logFormat,
      admin,
      control,
      source: path === '-' ? undefined : { path: file, text: read.text },
      ticketKeysDir: await readDirectory(given, 'ticket-keys'),
      workers: readWorkers(given),
      preStopSeconds: readSeconds(given, 'pre-stop', 0),
      summary: logFormat === 'pretty' ? (text) => terminal.err.write(text) : undefined,
      async started(_server, log) {
        if (logFormat === 'json') {
          for (const { rule, path: field, message, cure } of warnings)
            log('warn', 'manifest', { rule, field, detail: message, cure })
        }
        await warnOfMissing(manifest, directories.secretsDir, selfSigned, log)
      },
    },
    terminal,
  )
}

/** A missing directory is one cause for many hosts: it is told once, and only when somebody misses it. */
const warnOfMissing = async (
  manifest: SocketServer,
  secretsDir: string,
  selfSigned: boolean,
  log: Log,
): Promise<void> => {
  if (selfSigned) return
  const hosts = plannedHosts(manifest.spec).filter((host) => host.endsTls && host.certificate !== undefined)
  if (hosts.length === 0) return
  try {
    await access(secretsDir)
  } catch {
    log('warn', 'the directory of Secrets does not exist', {
      directory: secretsDir,
      hosts: hosts.map((host) => host.hostTag).join(', '),
      cure: 'put NAME/tls.crt and NAME/tls.key there, name another directory by --secrets, or try with --self-signed',
    })
  }
}

/** `socketserver serve`. */
export const serveCommand: Command = {
  name: 'serve',
  summary: 'serve a SocketServer manifest until SIGINT or SIGTERM',
  usage: 'serve -f FILE [options]',
  details: [
    'FILE may be a directory with one manifest in it, as a ConfigMap is mounted, or - for standard input.',
    'SIGHUP checks the certificates again. SIGTERM lets clients finish for timeouts.drainSeconds, SIGINT for 5 s of it; a second signal ends at once.',
  ],
  options: {
    file: { type: 'string', short: 'f', value: 'FILE', help: 'the manifest, in YAML or JSON' },
    ...DIRECTORY_OPTIONS,
    'self-signed': {
      type: 'boolean',
      help: 'development only: certificates of a throwaway CA for hosts whose Secret is missing',
    },
    admin: {
      type: 'string',
      value: 'ADDRESS:PORT',
      help: 'where probes and metrics are answered, or none (127.0.0.1:8900)',
    },
    control: CONTROL_PLACE_OPTION,
    log: {
      type: 'string',
      value: 'FORMAT',
      values: LOG_FORMATS,
      help: 'json or pretty (pretty on a terminal, else json)',
    },
    'ticket-keys': {
      type: 'string',
      value: 'DIR',
      help: 'secrets of session tickets, shared with other processes and kept over restarts; made when DIR is empty',
    },
    workers: {
      type: 'string',
      value: 'N',
      help: 'processes that serve and share the ports, or auto for one per processor (1)',
    },
    'pre-stop': {
      type: 'string',
      value: 'SECONDS',
      help: 'accept clients for that long after SIGTERM, while /readyz fails already (0)',
    },
    name: { type: 'string', value: 'NAME', help: 'which SocketServer, when the file has several' },
  },
  maxPositionals: 0,
  run: serve,
}
