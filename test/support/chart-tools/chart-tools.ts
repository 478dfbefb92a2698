import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { buildGoPrograms, type GoProgram } from '../control-plane/build-go-programs.ts'
import { cacheDirectory, type Environment } from '../control-plane/cache.ts'
import { runGo } from '../control-plane/go.ts'
import { modulesKey } from '../control-plane/modules.ts'

const OWN = join(import.meta.dirname, 'build')
const MONITORING = 'github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1'

/** What the chart is tested with. */
export interface ChartTools {
  readonly helm: string
  readonly kubeconform: string
  /** The definitions of ServiceMonitor, PodMonitor and PrometheusRule, as their own types say them; YAML. */
  readonly monitoringDefinitions: string
}

/** The version that the Go module in this repository requires of another. */
function versionOf(name: string): string {
  const required = readFileSync(join(OWN, 'go.mod'), 'utf8')
    .split('\n')
    .map((line) => line.trim().split(' '))
  const version = required.find(([module]) => module === name)?.[1]
  if (version === undefined) throw new Error(`${OWN}/go.mod does not require ${name}: restore that line`)
  return version
}

function programs(): readonly GoProgram[] {
  const helm = versionOf('helm.sh/helm/v4')
  const stamps = { 'helm.sh/helm/v4/internal/version.version': helm }
  const kubeconform = 'github.com/yannh/kubeconform'
  return [
    { name: 'helm', version: helm, package: 'helm.sh/helm/v4/cmd/helm', stamps },
    { name: 'kubeconform', version: versionOf(kubeconform), package: `${kubeconform}/cmd/kubeconform`, stamps: {} },
  ]
}

/** Prints the definitions from the Go types of the Prometheus operator, as it does itself. */
async function printDefinitions(path: string, environment: Environment, tell: (line: string) => void): Promise<void> {
  if (existsSync(path)) return
  tell('printing the definitions of ServiceMonitor, PodMonitor and PrometheusRule')
  const generator = 'sigs.k8s.io/controller-tools/cmd/controller-gen'
  const { stdout } = await runGo(
    ['run', '-mod=readonly', generator, 'crd:ignoreUnexportedFields=true', `paths=${MONITORING}`, 'output:crd:stdout'],
    { directory: OWN, environment },
  )
  await mkdir(dirname(path), { recursive: true })
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, stdout)
  await rename(draft, path)
}

/**
 * Finds helm, kubeconform and the definitions of the Prometheus operator in the cache, or builds them from Go modules
 * (once, some minutes). Rejects with the reason when there is no way.
 */
export async function findChartTools(
  tell: (line: string) => void = () => {},
  environment: Environment = process.env,
): Promise<ChartTools> {
  const key = modulesKey({ version: versionOf('helm.sh/helm/v4'), directory: OWN })
  const directory = join(dirname(cacheDirectory(environment)), 'chart-tools', key)
  await buildGoPrograms(directory, OWN, programs(), tell, environment)
  const monitoringDefinitions = join(directory, 'monitoring.yaml')
  await printDefinitions(monitoringDefinitions, environment, tell)
  return { helm: join(directory, 'helm'), kubeconform: join(directory, 'kubeconform'), monitoringDefinitions }
}
