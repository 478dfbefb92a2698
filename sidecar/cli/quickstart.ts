import { relative } from 'node:path'
import type { SocketServer } from '../../crds/index.ts'
import { SocketServerError } from '../base/errors.ts'
import { programFile } from '../base/program-files.ts'
import { readManifestFile } from '../control/config/load.ts'
import { parseAdmin } from './admin-option.ts'
import { type Arguments, type Command, usageError } from './command.ts'
import { CONTROL_PLACE_OPTION, readControlPlace } from './control-option.ts'
import { openQuickstartBackend } from './quickstart-backend.ts'
import type { Terminal } from './terminal.ts'

const EXAMPLE = programFile('examples/quickstart.yaml')

/** The ports the example has, by the option that moves them. */
const PORTS = { port: 8443, 'http-port': 8080, 'backend-port': 8081 } as const
type Ports = Readonly<Record<keyof typeof PORTS, number>>

const HINT =
  'another program has it; stop that one, or move the example: npm start -- --port 9443 --http-port 9080 --backend-port 9081 --admin 127.0.0.1:9900'

const readPorts = (given: Arguments): Ports => {
  const read = (option: keyof typeof PORTS): number => {
    const value = given.string(option)
    if (value === undefined) return PORTS[option]
    const port = Number(value)
    if (/^[0-9]{1,5}$/.test(value) && port >= 1 && port <= 65_535) return port
    throw usageError(
      `the port "${value}" given by --${option} is not a number from 1 to 65535`,
      `give --${option} 9443`,
    )
  }
  return { port: read('port'), 'http-port': read('http-port'), 'backend-port': read('backend-port') }
}

/** The same manifest with every port of the example replaced, wherever it stands. */
const moved = <T>(value: T, ports: ReadonlyMap<unknown, number>): T => {
  if (Array.isArray(value)) return value.map((item) => moved(item, ports)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, key === 'port' ? (ports.get(item) ?? item) : moved(item, ports)]),
  ) as T
}

/** A path as a shell takes it. */
const quoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`)

const commands = (ports: Ports, ca: string, admin: string | undefined): string => {
  const { port, 'http-port': httpPort } = ports
  return [
    '',
    'Paste into another terminal:',
    '',
    '  # a web server behind TLS',
    `  curl --cacert ${ca} --resolve shop.localhost:${port}:127.0.0.1 https://shop.localhost:${port}/`,
    '',
    '  # a host with a level of its own: TLS 1.3 only; it sends back what it gets',
    `  (echo hello; sleep 1) | openssl s_client -quiet -no_ign_eof -verify_return_error -CAfile ${ca} -connect 127.0.0.1:${port} -servername secure.localhost`,
    '',
    '  # plain HTTP is redirected to TLS',
    `  curl -i --resolve shop.localhost:${httpPort}:127.0.0.1 http://shop.localhost:${httpPort}/`,
    ...(admin === undefined ? [] : ['', '  # what runs', `  curl http://${admin}/status`]),
    '',
    'Ctrl-C stops it.',
    '',
  ].join('\n')
}

const quickstart = async (given: Arguments, terminal: Terminal): Promise<number> => {
  const ports = readPorts(given)
  const adminText = given.string('admin') ?? '127.0.0.1:8900'
  const admin = parseAdmin(adminText)
  const control = readControlPlace(given)
  const { selectManifest } = await import('../control/config/select.ts')
  const { manifest } = selectManifest(await readManifestFile(EXAMPLE), undefined)
  const map = new Map(Object.entries(PORTS).map(([option, port]) => [port, ports[option as keyof typeof PORTS]]))
  const { runServer } = await import('./run-server.ts')
  const backend = await openQuickstartBackend(ports['backend-port'], HINT)
  try {
    terminal.out(`Serving ${relative(process.cwd(), EXAMPLE)} with throwaway certificates.\n\n`)
    return await runServer(
      {
        manifest: moved<SocketServer>(manifest, map),
        // A checkout has no such directories: every host gets a throwaway certificate.
        secretsDir: programFile('examples/secrets'),
        configMapsDir: programFile('examples/configmaps'),
        selfSigned: true,
        logFormat: 'pretty',
        admin,
        control,
        source: undefined,
        ticketKeysDir: undefined,
        workers: 1,
        preStopSeconds: 0,
        summary: terminal.out,
        started: (server) => {
          terminal.out(commands(ports, quoted(server.selfSignedCa ?? ''), admin === undefined ? undefined : adminText))
        },
      },
      terminal,
    )
  } catch (error) {
    if (!(error instanceof SocketServerError) || error.code !== 'SS_CANNOT_LISTEN') throw error
    // The general cure is to edit the manifest; here the ports are options.
    const detail = error.message.slice(error.message.indexOf(': ') + 2)
    throw new SocketServerError('SS_CANNOT_LISTEN', detail, { hint: HINT, cause: error })
  } finally {
    backend.close()
  }
}

/** `socketserver quickstart`, which is `npm start`. */
export const quickstartCommand: Command = {
  name: 'quickstart',
  summary: 'serve examples/quickstart.yaml with throwaway certificates and a backend, and print commands to try',
  usage: 'quickstart [options]',
  details: ['It needs no root, no cluster and no network.'],
  options: {
    port: { type: 'string', value: 'PORT', help: `port of the TLS listener (${PORTS.port})` },
    'http-port': { type: 'string', value: 'PORT', help: `port of the plain listener (${PORTS['http-port']})` },
    'backend-port': { type: 'string', value: 'PORT', help: `port of the example's backend (${PORTS['backend-port']})` },
    admin: {
      type: 'string',
      value: 'ADDRESS:PORT',
      help: 'where probes and metrics are answered, or none (127.0.0.1:8900)',
    },
    control: CONTROL_PLACE_OPTION,
  },
  maxPositionals: 0,
  run: quickstart,
}
