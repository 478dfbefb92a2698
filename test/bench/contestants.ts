import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandLine } from '../support/runtime.ts'
import type { Pinned } from './pinned.ts'

/** Where a contestant listens, forwards to and finds its certificate. */
export interface Place {
  readonly port: number
  readonly backendPort: number
  /** Certificate and key in one file. */
  readonly pemFile: string
  /** `<secrets>/bench/{tls.crt,tls.key}`. */
  readonly secretsDir: string
  /** For configuration, logs and what else it writes. */
  readonly directory: string
}

/** A server that is measured. */
export interface Contestant {
  readonly id: string
  readonly title: string
  /** The contestant that is its floor: the bare forwarder of the same runtime. */
  readonly floor?: string
  /** Why it cannot take part; undefined when it can. */
  readonly absence: () => string | undefined
  /** Writes what it needs and tells how it is started; it stays in the foreground. */
  readonly command: (place: Place) => Pinned
}

const bare = join(import.meta.dirname, 'bare-forwarder.ts')

function engineCommand(runtime: 'node' | 'bun', args: readonly string[]): Contestant['command'] {
  return (place) => {
    const manifest = join(place.directory, 'bench.yaml')
    const backend = { host: '127.0.0.1', port: place.backendPort }
    const spec = {
      maxClients: 0,
      listeners: [{ name: 'https', address: '127.0.0.1', port: place.port }],
      icsHosts: [
        {
          hostTag: 'bench',
          hostNames: ['bench.example.com'],
          certificate: { secretName: 'bench' },
          handler: { type: 'Forward', forward: { backends: [backend] } },
        },
      ],
    }
    const resource = { apiVersion: 'icshosts.io/v1alpha1', kind: 'SocketServer', metadata: { name: 'bench' }, spec }
    writeFileSync(manifest, JSON.stringify(resource))
    const serve = ['serve', '-f', manifest, '--secrets', place.secretsDir, '--admin', 'none', '--log', 'json']
    return [...commandLine(runtime), ...serve, ...args]
  }
}

const bareCommand =
  (runtime: 'node' | 'bun'): Contestant['command'] =>
  (place) => [commandLine(runtime)[0], bare, String(place.port), String(place.backendPort), place.pemFile]

const bareWorkers: Contestant['command'] = ({ port, backendPort, pemFile }) => {
  const program = join(import.meta.dirname, 'bare-workers.ts')
  return [commandLine('node')[0], program, '2', String(port), String(backendPort), pemFile]
}

const always = () => undefined

/** Whether the command has `--workers` yet. */
function withoutWorkers(): string | undefined {
  const [program, ...args] = commandLine('node')
  const help = spawnSync(program, [...args, 'serve', '--help'], { encoding: 'utf8' }).stdout
  return help.includes('--workers') ? undefined : 'the command has no --workers'
}

const installed = (program: string) => () =>
  spawnSync(program, ['-v'], { stdio: 'ignore' }).error ? `${program} is not installed` : undefined

function configured(place: Place, name: string, lines: readonly string[]): string {
  const path = join(place.directory, name)
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

const haproxy: Contestant['command'] = (place) => {
  const config = configured(place, 'haproxy.cfg', [
    'global',
    '  nbthread 1',
    '  log stdout format raw daemon',
    'defaults',
    '  mode tcp',
    '  log global',
    '  option tcplog',
    '  timeout connect 5s',
    '  timeout client 1h',
    '  timeout server 1h',
    'frontend bench',
    `  bind 127.0.0.1:${place.port} ssl crt ${place.pemFile}`,
    '  default_backend bench',
    'backend bench',
    `  server bench 127.0.0.1:${place.backendPort}`,
  ])
  return ['haproxy', '-db', '-f', config]
}

const nginx: Contestant['command'] = (place) => {
  const config = configured(place, 'nginx.conf', [
    'load_module modules/ngx_stream_module.so;',
    'daemon off;',
    'worker_processes 1;',
    `pid ${place.directory}/nginx.pid;`,
    `error_log ${place.directory}/nginx.error.log;`,
    'events { worker_connections 40000; }',
    'stream {',
    `  log_format bench '$remote_addr [$time_local] $status $bytes_sent $bytes_received $session_time';`,
    `  access_log ${place.directory}/nginx.log bench;`,
    '  tcp_nodelay on;',
    '  proxy_timeout 1h;',
    '  server {',
    `    listen 127.0.0.1:${place.port} ssl;`,
    `    ssl_certificate ${place.pemFile};`,
    `    ssl_certificate_key ${place.pemFile};`,
    '    ssl_protocols TLSv1.2 TLSv1.3;',
    `    proxy_pass 127.0.0.1:${place.backendPort};`,
    '  }',
    '}',
  ])
  return ['nginx', '-p', '/usr/share/nginx/', '-c', config]
}

const hitch: Contestant['command'] = (place) => {
  const config = configured(place, 'hitch.conf', [
    `frontend = { host = "127.0.0.1" port = "${place.port}" }`,
    `backend = "[127.0.0.1]:${place.backendPort}"`,
    `pem-file = "${place.pemFile}"`,
    'tls-protos = TLSv1.2 TLSv1.3',
    'workers = 1',
    'daemon = off',
    'ocsp-dir = ""',
    // Its workers refuse to be root.
    ...(process.getuid?.() === 0 ? ['user = "nobody"'] : []),
  ])
  return ['hitch', '--config', config]
}

const stunnel: Contestant['command'] = (place) => {
  const config = configured(place, 'stunnel.conf', [
    'foreground = yes',
    'pid =',
    'debug = notice',
    'socket = l:TCP_NODELAY=1',
    'socket = r:TCP_NODELAY=1',
    '[bench]',
    `accept = 127.0.0.1:${place.port}`,
    `connect = 127.0.0.1:${place.backendPort}`,
    `cert = ${place.pemFile}`,
    'TIMEOUTidle = 3600',
  ])
  return ['stunnel', config]
}

/** Everyone, in the order of the table. */
export const CONTESTANTS: readonly Contestant[] = [
  {
    id: 'engine-node',
    title: 'SocketServer on Node',
    floor: 'bare-node',
    absence: always,
    command: engineCommand('node', []),
  },
  {
    id: 'engine-node-2',
    title: 'SocketServer on Node, 2 workers',
    floor: 'bare-node-2',
    absence: withoutWorkers,
    command: engineCommand('node', ['--workers', '2']),
  },
  { id: 'bare-node', title: 'bare forwarder on Node', absence: always, command: bareCommand('node') },
  { id: 'bare-node-2', title: 'bare forwarder on Node, 2 processes', absence: always, command: bareWorkers },
  {
    id: 'engine-bun',
    title: 'SocketServer on Bun',
    floor: 'bare-bun',
    absence: always,
    command: engineCommand('bun', []),
  },
  { id: 'bare-bun', title: 'bare forwarder on Bun', absence: always, command: bareCommand('bun') },
  { id: 'haproxy', title: 'HAProxy', absence: installed('haproxy'), command: haproxy },
  { id: 'nginx', title: 'nginx (stream)', absence: installed('nginx'), command: nginx },
  { id: 'hitch', title: 'hitch', absence: installed('hitch'), command: hitch },
  { id: 'stunnel', title: 'stunnel', absence: installed('stunnel'), command: stunnel },
]
