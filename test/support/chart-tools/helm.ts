import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadAll } from 'js-yaml'
import { inject } from 'vitest'
import { type CommandResult, runProgram } from '../control-plane/run-program.ts'
import { repository } from '../runtime.ts'
import type { ChartTools } from './chart-tools.ts'

/** Where the chart lies. */
export const CHART = join(repository, 'charts', 'socketserver')

/** Values as somebody would give them. */
export type Values = Readonly<Record<string, unknown>>

/** An object that the chart renders. */
export interface RenderedObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  // biome-ignore lint/suspicious/noExplicitAny: objects of every kind
  readonly [field: string]: any
}

/** The tools; to be used below `describeChart`. */
export function chartTools(): ChartTools {
  const tools = inject('chartTools')
  if (tools === undefined) throw new Error('there is no helm: put this test below describeChart')
  return tools
}

let files = 0

/** Runs helm with directories of its own. `values` are given as a file, and `kubeconfig` says which cluster. */
export async function helm(
  args: readonly string[],
  { values, kubeconfig = '/nowhere' }: { readonly values?: Values; readonly kubeconfig?: string } = {},
): Promise<CommandResult> {
  const home = mkdtempSync(join(tmpdir(), 'socketserver-helm-'))
  try {
    files += 1
    const file = join(home, `values-${files}.json`)
    await writeFile(file, JSON.stringify(values ?? {}))
    const given = values === undefined ? [] : ['--values', file]
    return await runProgram([chartTools().helm, ...args, ...given], {
      env: { PATH: process.env['PATH'] ?? '', HOME: home, KUBECONFIG: kubeconfig },
    })
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

/** The text that the chart renders as release `edge` in the namespace `operators`. */
async function renderText(values: Values = {}): Promise<string> {
  const { code, stdout, stderr } = await helm(['template', 'edge', CHART, '--namespace', 'operators'], { values })
  if (code !== 0) throw new Error(stderr)
  return stdout
}

/** The objects that the chart renders, those of its tests included. */
export async function render(values: Values = {}): Promise<readonly RenderedObject[]> {
  return (loadAll(await renderText(values)) as (RenderedObject | null)[]).filter((object) => object !== null)
}

/** The one object of a kind, with that end of its name. */
export function only(objects: readonly RenderedObject[], kind: string, end = ''): RenderedObject {
  const found = objects.filter((object) => object.kind === kind && object.metadata.name.endsWith(end))
  if (found.length !== 1 || found[0] === undefined)
    throw new Error(
      `${found.length} of ${kind} "...${end}" among ${objects.map((one) => `${one.kind} ${one.metadata.name}`)}`,
    )
  return found[0]
}
