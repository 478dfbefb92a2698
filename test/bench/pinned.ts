/** A program with its arguments. */
export type Pinned = readonly [string, ...string[]]

/** The command that runs `command`, and every process and thread of it, on one core (taskset(1)). */
export const onCore = (core: number, command: Pinned): Pinned => ['taskset', '-c', String(core), ...command]
