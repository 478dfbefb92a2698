import type { Clock } from '../sidecar/base/clock.ts'
import type { Log } from '../sidecar/base/log.ts'
import { PODS } from './cluster-view.ts'
import { isRefusal } from './kube/api-error.ts'
import type { Writer } from './kube/apply.ts'
import type { PodFacts } from './reconcile/facts.ts'
import { NUDGE_ANNOTATION, shortHash } from './reconcile/names.ts'
import { decideNudge, type NudgeState } from './reconcile/nudge.ts'
import type { TrimmedPod } from './trim.ts'
import type { ReferenceWatch } from './watch-references.ts'

/** What is remembered of the pods of one SocketServer, by uid. */
export type NudgeMemory = Map<string, NudgeState>

/** What the pods of a SocketServer are to run. */
export interface WantedOfPods {
  /** Undefined: there is no configuration to be told of. */
  readonly configHash: string | undefined
  /** The annotation by which pods are made to check their certificates; empty: there is none. */
  readonly recheck: string
}

/** What a nudger works with. */
export interface NudgerOptions {
  readonly writer: Writer
  readonly clock: Clock
  readonly log: Log
  /** Undefined: Secrets and CAs are not watched. */
  readonly references: ReferenceWatch | undefined
}

/** Makes kubelets bring to pods what has changed: their configuration, and the Secrets and CAs they mount. */
export class Nudger {
  readonly #options: NudgerOptions

  constructor(options: NudgerOptions) {
    this.#options = options
  }

  /**
   * Nudges the pods that need it.
   *
   * @returns milliseconds after which to look again; undefined: there is no need to
   * @throws when the API server is away or busy
   */
  async nudge(
    { configHash, recheck }: WantedOfPods,
    pods: readonly (readonly [TrimmedPod, PodFacts])[],
    memory: NudgeMemory,
  ): Promise<number | undefined> {
    const { clock, references } = this.#options
    const wanted =
      configHash === undefined || recheck === '' ? (configHash ?? '') : `${configHash}.${shortHash(recheck)}`
    const uids = new Set(pods.map(([pod]) => pod.metadata.uid ?? ''))
    for (const uid of memory.keys()) if (!uids.has(uid)) memory.delete(uid)
    let lookAfterMs: number | undefined
    for (const [pod, { report }] of pods) {
      const { uid = '' } = pod.metadata
      const isBehind =
        configHash !== undefined &&
        report !== undefined &&
        'configHash' in report &&
        (report.configHash !== configHash || report.recheck !== recheck)
      const facts = {
        wanted,
        isBehind,
        annotation: pod.nudge,
        references: references?.versionsOf(pod),
        firstReferences: references?.firstVersionsOf(pod),
        now: clock.now(),
      }
      const nudge = decideNudge(memory.get(uid), facts)
      if (nudge.value !== undefined) await this.#write(pod, nudge.value)
      memory.set(uid, nudge.state)
      if (nudge.lookAfterMs !== undefined)
        lookAfterMs = Math.min(lookAfterMs ?? Number.POSITIVE_INFINITY, nudge.lookAfterMs)
    }
    return lookAfterMs
  }

  async #write({ metadata: { name, namespace = '' } }: TrimmedPod, value: string): Promise<void> {
    const { writer, log } = this.#options
    try {
      await writer.annotate(PODS, namespace, name, { [NUDGE_ANNOTATION]: value })
    } catch (error) {
      // The pod is gone; its successor reads the configuration when it starts.
      if (!isRefusal(error, 404)) throw error
      log('info', 'pod gone before it was told', { namespace, pod: name })
    }
  }
}
