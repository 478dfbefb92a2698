import { configHash, RECHECK_ANNOTATION, type SocketServer } from '../../../crds/index.ts'
import { parseObject } from '../../../crds/parse.ts'
import type { ControlPlane } from '../control-plane/control-plane.ts'
import type { AnyObject, Place } from './fixture.ts'
import { type Kstatus, type KstatusObject, kstatusOf } from './kstatus.ts'
import type { Kubelet } from './kubelet.ts'
import { watchObject } from './watch-object.ts'

/** One version of a SocketServer, as a program that waits for it sees it. */
export interface Moment {
  readonly generation: number
  readonly observedGeneration: number | undefined
  readonly kstatus: Kstatus
  /** Reason of the condition Ready; empty while it is not there. */
  readonly reason: string
}

/** Everything that was seen of one SocketServer. */
export interface RolloutRecord extends AsyncDisposable {
  readonly moments: readonly Moment[]
  /** Why a moment that kstatus calls Current is a lie; resolves when each was looked into. */
  lies(): Promise<readonly string[]>
}

interface Pod extends AnyObject {
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

/** What a version of a SocketServer asks of its pods. */
interface Wanted {
  readonly generation: number
  readonly configHash: string | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly recheck: string
}

const wantedOf = ({ metadata, ...rest }: AnyObject): Wanted => {
  const { name, namespace, generation = 0, annotations } = metadata
  const result = parseObject({ ...rest, metadata: { name, namespace, generation } })
  return {
    generation,
    configHash: result.ok ? configHash(result.value as SocketServer) : undefined,
    labels: result.ok ? result.value.spec.template.labels : {},
    recheck: annotations?.[RECHECK_ANNOTATION] ?? '',
  }
}

/**
 * Writes down every version of a SocketServer from before it is made, and asks the engines at each that kstatus calls
 * Current whether they serve that generation, or one that came since.
 */
export async function recordRollouts(
  plane: ControlPlane,
  place: Place,
  kubelet: Kubelet,
  name: string,
): Promise<RolloutRecord> {
  const moments: Moment[] = []
  const wanted: Wanted[] = []
  const looks: Promise<string[]>[] = []

  /** What one ready pod has of what was asked since that generation. */
  const lieOf = async ({ metadata }: Pod, generation: number): Promise<string | undefined> => {
    const running = kubelet.pods.get(metadata.name)
    if (running === undefined) return undefined
    const answer = await fetch(`http://${running.ip}:${running.adminPort}/status`, { headers: { connection: 'close' } })
    const report = (await answer.json()) as { readonly configHash: string; readonly recheck?: string }
    const served = wanted.some(
      (one) =>
        one.generation >= generation &&
        one.configHash === report.configHash &&
        one.recheck === (report.recheck ?? '') &&
        Object.entries(one.labels).every(([key, value]) => metadata.labels?.[key] === value),
    )
    return served
      ? undefined
      : `pod "${metadata.name}" does not serve generation ${generation}: ${JSON.stringify(report)}`
  }
  const look = async (generation: number): Promise<string[]> => {
    const pods = (await place.list('Pod')) as readonly Pod[]
    const ready = pods.filter(
      ({ metadata, status }) =>
        !('deletionTimestamp' in metadata) &&
        status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True'),
    )
    if (ready.length === 0) return [`generation ${generation} is called Current without a ready pod`]
    return (await Promise.all(ready.map((pod) => lieOf(pod, generation)))).filter((lie) => lie !== undefined)
  }

  const watch = await watchObject<AnyObject>(plane, place.path('SocketServer'), name, (object) => {
    const { observedGeneration, conditions } = object.status as NonNullable<KstatusObject['status']>
    const { generation = 0 } = object.metadata
    const kstatus = kstatusOf(object as KstatusObject)
    const reason = conditions?.find(({ type }) => type === 'Ready')?.reason ?? ''
    moments.push({ generation, observedGeneration, kstatus, reason })
    wanted.push(wantedOf(object))
    if (kstatus === 'Current') looks.push(look(generation))
  })
  return {
    moments,
    lies: async () => (await Promise.all(looks)).flat(),
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),
  }
}
