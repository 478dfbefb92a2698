/** A program and its arguments. */
export type CommandLine = readonly [string, ...string[]]

/** Where the programs of a control plane run, and where they are reached. */
export interface ControlPlaneNetwork {
  /** Address they listen on, which the tests reach, too. */
  readonly address: string
  /** Makes a command run there. */
  enter(command: CommandLine): CommandLine
  /** Range of the addresses of Services, in CIDR notation. */
  readonly serviceRange: string
  /** Address of the Service `kubernetes`: the first of that range. Undefined where no pod could use it. */
  readonly serviceAddress: string | undefined
}

/** The loopback interface of the tests: enough where there are no pods. */
export const LOOPBACK: ControlPlaneNetwork = {
  address: '127.0.0.1',
  enter: (command) => command,
  serviceRange: '10.96.0.0/16',
  serviceAddress: undefined,
}
