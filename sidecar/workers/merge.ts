import type { DelayCounts } from '../control/admin/event-loop-delay.ts'
import type { BackendState } from '../control/server-view.ts'
import type { ListenState, LiveTraffic } from '../engine/ports.ts'
import type { WorkerView } from './protocol.ts'

/** One state per listener over all workers: it listens when it does in each of them. */
export function mergeListenStates(views: readonly WorkerView[]): readonly ListenState[] {
  const [first, ...others] = views
  if (first === undefined) return []
  return first.listenStates.map((state) => {
    const same = [state, ...others.flatMap((view) => view.listenStates.filter(({ name }) => name === state.name))]
    const closed = same.find((one) => one.state === 'Closed')
    return { ...(closed ?? state), clients: same.reduce((sum, one) => sum + one.clients, 0) }
  })
}

/** One state per backend: it is healthy when some worker sends clients to it. */
export function mergeBackends(views: readonly WorkerView[]): readonly BackendState[] {
  const merged = new Map<string, BackendState>()
  for (const { backends } of views)
    for (const state of backends) {
      const key = `${state.hostTag} ${state.name}`
      const known = merged.get(key)
      if (known === undefined) merged.set(key, state)
      else {
        const healthy = known.healthy || state.healthy
        merged.set(key, { ...state, healthy, clients: known.clients + state.clients })
      }
    }
  return [...merged.values()]
}

/** What the connected clients of all workers have moved so far, one entry per listener and host. */
export function mergeTraffic(views: readonly WorkerView[]): readonly LiveTraffic[] {
  const merged = new Map<string, LiveTraffic>()
  for (const { liveTraffic } of views)
    for (const one of liveTraffic) {
      const key = `${one.listener} ${one.hostTag}`
      const known = merged.get(key)
      if (known === undefined) merged.set(key, { ...one })
      else {
        known.clients += one.clients
        known.receivedBytes += one.receivedBytes
        known.sentBytes += one.sentBytes
      }
    }
  return [...merged.values()]
}

/** How late the event loops were, all samples together. */
export function mergeDelays(delays: readonly DelayCounts[]): DelayCounts {
  const buckets: number[] = []
  let [sum, count] = [0, 0]
  for (const delay of delays) {
    for (const [at, samples] of delay.buckets.entries()) buckets[at] = (buckets[at] ?? 0) + samples
    sum += delay.sum
    count += delay.count
  }
  return { buckets, sum, count }
}
