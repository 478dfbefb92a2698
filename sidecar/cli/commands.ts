import { certsCommand } from './certs.ts'
import { clientsCommand } from './clients.ts'
import type { Command } from './command.ts'
import { completionCommand } from './completion.ts'
import { crdCommand } from './crd.ts'
import { disconnectCommand } from './disconnect.ts'
import { drainCommand } from './drain.ts'
import { explainCommand } from './explain.ts'
import { healthCommand } from './health.ts'
import { helpCommand } from './help.ts'
import { quickstartCommand } from './quickstart.ts'
import { recheckCommand } from './recheck.ts'
import { serveCommand } from './serve.ts'
import { statesCommand } from './states.ts'
import { topCommand } from './top.ts'
import { validateCommand } from './validate.ts'
import { versionCommand } from './version.ts'

/** Every subcommand of `socketserver`, in the order of help. */
export const COMMANDS: readonly Command[] = [
  serveCommand,
  validateCommand,
  explainCommand,
  crdCommand,
  quickstartCommand,
  healthCommand,
  statesCommand,
  clientsCommand,
  disconnectCommand,
  certsCommand,
  recheckCommand,
  drainCommand,
  topCommand,
  completionCommand(() => COMMANDS),
  versionCommand,
  helpCommand(() => COMMANDS),
]
