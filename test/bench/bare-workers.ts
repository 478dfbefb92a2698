// Bare forwarders that share a port: what several processes cost beside one, before a program of ours has any part in it.
// Arguments: how many, then those of the bare forwarder.
import { fork } from 'node:child_process'
import { join } from 'node:path'

const [workers, ...args] = process.argv.slice(2)
for (let worker = 0; worker < Number(workers); worker += 1)
  fork(join(import.meta.dirname, 'bare-forwarder.ts'), [...args, 'shared'])
