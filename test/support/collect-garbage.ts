import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes of the heap of this process that are in use once everything that can be given back is. */
export function heapInUse(): number {
  // What a first round sets free may hold more.
  collect()
  collect()
  return process.memoryUsage().heapUsed
}
