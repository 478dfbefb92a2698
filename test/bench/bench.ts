// npm run bench: what the engine costs beside a bare forwarder and the C proxies, or what the operator costs. See --help.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, writeSecret } from '../support/certificates.ts'
import { freePort } from '../support/ports.ts'
import { commandLine } from '../support/runtime.ts'
import { benchOperator } from './operator/operator-bench.ts'
import { type BenchOptions, HELP, OptionError, parseOptions } from './options.ts'
import { renderPicture } from './picture.ts'
import { onCore } from './pinned.ts'
import { type Measurement, measureRound, startProgram } from './round.ts'
import { summarize } from './summary.ts'
import { renderTable } from './table.ts'

const SERVER_CORE = 0
const LOAD_CORE = 1
const IDLE_CLIENTS = 10_000

const progress = (text: string) => void process.stderr.write(`${text}\n`)

/** Clients a server may hold here: each costs it two descriptors, one towards its backend. */
function idleClients(scale: number): number {
  const { stdout } = spawnSync('/bin/sh', ['-c', 'ulimit -n'], { encoding: 'utf8' })
  const most = Number(stdout) > 0 ? Math.floor((Number(stdout) - 400) / 2) : IDLE_CLIENTS
  const wanted = Math.round(IDLE_CLIENTS * scale)
  if (most < wanted)
    progress(`at most ${most} idle clients instead of ${wanted}: the limit of open files is ${stdout.trim()}`)
  return Math.min(most, wanted)
}

const versionOf = (command: readonly [string, ...string[]]): string => {
  const [file, ...args] = command
  const { stdout, stderr } = spawnSync(file, args, { encoding: 'utf8' })
  return (
    `${stdout ?? ''}${stderr ?? ''}`
      .split('\n')
      .find((line) => /\d+\.\d+/.test(line))
      ?.trim() ?? ''
  )
}

const versions = () => ({
  node: process.version,
  bun: versionOf([commandLine('bun')[0], '--version']),
  haproxy: versionOf(['haproxy', '-v']),
  nginx: versionOf(['nginx', '-v']),
  hitch: versionOf(['hitch', '--version']),
  stunnel: versionOf(['stunnel', '-version']),
})

async function run(options: BenchOptions): Promise<number> {
  if (process.platform !== 'linux' || availableParallelism() < 2 || spawnSync('taskset', ['-V']).error)
    throw new OptionError('the bench needs Linux, two cores and taskset')
  const present = options.contestants.filter((contestant) => {
    const absence = contestant.absence()
    if (absence !== undefined) progress(`without ${contestant.title}: ${absence}`)
    return absence === undefined
  })
  const root = mkdtempSync(join(tmpdir(), 'socketserver-bench-'))
  const backendPort = await freePort()
  const certificate = createAuthority().issue({ names: ['bench.example.com'] })
  const pemFile = join(root, 'bench.pem')
  writeFileSync(pemFile, certificate.certPem + certificate.keyPem)
  writeSecret(join(root, 'secrets'), 'bench', { cert: certificate.certPem, key: certificate.keyPem })
  const backend = await startProgram(
    onCore(LOAD_CORE, [process.execPath, join(import.meta.dirname, 'backend-program.ts'), String(backendPort)]),
    backendPort,
    join(root, 'backend'),
  )
  const measurements: Measurement[] = []
  try {
    const clients = idleClients(options.scale)
    const place = { backendPort, pemFile, secretsDir: join(root, 'secrets') }
    const cores = { serverCore: SERVER_CORE, loadCore: LOAD_CORE }
    const { columns, scale } = options
    for (let round = 1; round <= options.rounds; round += 1)
      measurements.push(
        ...(await measureRound(present, {
          ...cores,
          columns,
          scale,
          round,
          root,
          place,
          progress,
          idleClients: clients,
        })),
      )
    const summary = summarize(present, options.columns, measurements)
    const json = {
      machine: { processor: cpus()[0]?.model ?? '', versions: versions() },
      rounds: options.rounds,
      idleClients: clients,
      isQuick: options.scale < 1,
      ...summary,
    }
    mkdirSync(options.directory, { recursive: true })
    writeFileSync(join(options.directory, 'bench.json'), `${JSON.stringify(json, null, 2)}\n`)
    writeFileSync(join(options.directory, 'bench.svg'), renderPicture(summary))
    process.stdout.write(options.output === 'json' ? `${JSON.stringify(json, null, 2)}\n` : renderTable(summary))
    progress(`written: ${join(options.directory, 'bench.json')}, ${join(options.directory, 'bench.svg')}`)
    return 0
  } finally {
    await backend.stop()
    rmSync(root, { recursive: true, force: true })
  }
}

const main = async ([word, ...rest]: readonly string[]): Promise<number> => {
  const directory = join(import.meta.dirname, 'results')
  if (word === 'operator') return await benchOperator(rest, directory)
  const options = parseOptions(word === undefined ? [] : [word, ...rest], directory)
  if (options !== undefined) return await run(options)
  process.stdout.write(HELP)
  return 0
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof OptionError)) throw error
  process.stderr.write(`Cannot run the bench: ${error.message}\nhint: npm run bench -- --help\n`)
  process.exitCode = 2
}
