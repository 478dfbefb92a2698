import { execFileSync } from 'node:child_process'
import type { TestProject } from 'vitest/node'
import { reasonWithout } from '../control-plane/cluster-setup.ts'
import { BASE_PROGRAMS } from '../control-plane/programs.ts'
import { type ChartTools, findChartTools } from './chart-tools.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Undefined when they cannot be had. */
    readonly chartTools: ChartTools | undefined
    /** Why there is no helm; undefined when there is one. */
    readonly noHelm: string | undefined
    /** Why there is no promtool; undefined when there is one. */
    readonly noPromtool: string | undefined
  }
}

const tell = (line: string) => process.stderr.write(`chart: ${line}\n`)
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

function withoutPromtool(): string | undefined {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'there is no promtool: install Prometheus (Debian and Ubuntu: apt-get install prometheus)'
  }
}

/** Runs once before the suite of the chart: its tools are found or built here, where it is shown how that goes. */
export async function setup(project: TestProject): Promise<void> {
  const found = await findChartTools(tell).catch(messageOf)
  const noHelm = typeof found === 'string' ? found : undefined
  const noPromtool = withoutPromtool()
  const noControlPlane = await reasonWithout(BASE_PROGRAMS)
  project.provide('chartTools', typeof found === 'string' ? undefined : found)
  project.provide('noHelm', noHelm)
  project.provide('noPromtool', noPromtool)
  project.provide('noControlPlane', noControlPlane)
  for (const reason of [noHelm, noPromtool, noControlPlane])
    if (reason !== undefined) tell(`TESTS OF THE CHART DO NOT RUN: ${reason.replaceAll('\n', ' ')}`)
}
