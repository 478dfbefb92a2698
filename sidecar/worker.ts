// The program of one worker: serves what its supervisor says, and ends with it.
import { letHeapGrow } from './base/heap-growth.ts'
import { createLineWriter } from './control/line-writer.ts'
import { Channel } from './workers/channel.ts'
import type { SupervisorMethods } from './workers/protocol.ts'
import { createWorkerServer } from './workers/worker-server.ts'

letHeapGrow()
// Ctrl-C in a terminal reaches every process of it; the supervisor decides what it means.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
// Without its supervisor a worker would serve an old manifest for ever.
process.on('disconnect', () => process.exit(1))

// A message that cannot be sent any more is followed by "disconnect".
const supervisor = new Channel<SupervisorMethods>((message) => {
  process.send?.(message, undefined, undefined, () => {})
})
supervisor.serve(
  createWorkerServer({
    supervisor,
    writer: createLineWriter(2),
    onDefect(listener) {
      process.on('uncaughtException', listener)
      process.on('unhandledRejection', listener)
    },
    exit: () => process.exit(0),
  }),
)
process.on('message', (message) => supervisor.received(message))
