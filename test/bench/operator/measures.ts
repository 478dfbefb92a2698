/** What is measured of the operator, one row of the table. */
export interface Measure {
  readonly id: string
  readonly title: string
  readonly unit: string
  /** Digits behind the point in the table. */
  readonly digits: number
  /** What the value may be at most with that many SocketServers; undefined: it is told and not judged. */
  readonly most?: (count: number) => number | undefined
}

/** Megabytes the operator may hold with that many SocketServers. */
const mostMemory = (count: number) => (count <= 1_000 ? 150 : count <= 10_000 ? 300 : undefined)

/** Every row, in the order of the table. */
export const MEASURES = [
  { id: 'cpuNew', title: 'CPU for a new SocketServer until it is Ready', unit: 'ms', digits: 1, most: () => 20 },
  { id: 'writesNew', title: 'writes for a new SocketServer', unit: '', digits: 2, most: () => 12 },
  { id: 'callsNew', title: 'API calls for a new SocketServer', unit: '', digits: 2 },
  { id: 'cpuChanged', title: 'CPU for a changed SocketServer', unit: 'ms', digits: 1, most: () => 5 },
  { id: 'writesChanged', title: 'writes for a changed SocketServer', unit: '', digits: 2, most: () => 3 },
  { id: 'callsChanged', title: 'API calls for a changed SocketServer', unit: '', digits: 2 },
  { id: 'memory', title: 'memory at the end', unit: 'MB', digits: 0, most: mostMemory },
  { id: 'memoryMost', title: 'memory at most', unit: 'MB', digits: 0 },
  { id: 'share', title: "CPU beside that of the API server's", unit: '', digits: 2, most: () => 1 },
  { id: 'secondsNew', title: 'until all are Ready', unit: 's', digits: 1 },
  { id: 'reconcilesPerSecond', title: 'reconciles per second until then', unit: '', digits: 0 },
  { id: 'reconcilesNew', title: 'reconciles for a new SocketServer', unit: '', digits: 1 },
  { id: 'shownMeanwhile', title: 'one change shows in status meanwhile, median', unit: 'ms', digits: 0 },
  { id: 'shownMeanwhileWorst', title: 'the same, worst', unit: 'ms', digits: 0 },
  { id: 'secondsChanged', title: 'until all changes are Ready', unit: 's', digits: 1 },
  { id: 'shownQuiet', title: 'one change shows in status while all is quiet, median', unit: 'ms', digits: 0 },
  { id: 'quietShare', title: 'CPU while all is quiet', unit: '% of a core', digits: 1 },
  { id: 'quietWrites', title: 'writes while all is quiet', unit: 'a minute', digits: 1, most: () => 0 },
] as const satisfies readonly Measure[]

/** One of the measures. */
export type MeasureId = (typeof MEASURES)[number]['id']

/** Calls of the API for one SocketServer by what was asked, for example `patch configmaps`. */
export type Calls = Readonly<Record<string, number>>

/** What one run found. */
export interface OperatorRun {
  readonly count: number
  readonly values: Readonly<Record<MeasureId, number | undefined>>
  readonly callsNew: Calls
  readonly callsChanged: Calls
}

/** A value with its bound. */
export interface Judged {
  readonly value: number | undefined
  readonly most: number | undefined
  /** Undefined where there is no bound, or no value. */
  readonly isMet: boolean | undefined
}

/** Holds a value against its bound. */
export function judged({ values, count }: Pick<OperatorRun, 'values' | 'count'>, measure: Measure): Judged {
  const value = values[measure.id as MeasureId]
  const most = measure.most?.(count)
  return { value, most, isMet: value === undefined || most === undefined ? undefined : value <= most }
}
