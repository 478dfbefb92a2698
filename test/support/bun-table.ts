/** One thing Bun cannot do yet: the wire test it fails, by file below `test/wire` and name, and why. */
export interface BunExcuse {
  readonly file: string
  readonly test: string
  readonly reason: string
}

/**
 * The only wire tests a run with `ENGINE_RUNTIME=bun` skips. A row goes as soon as Bun passes its test; the same rows
 * stand in the README.
 */
export const BUN_TABLE: readonly BunExcuse[] = [
  {
    file: 'a-listener-keeps-its-own-backlog.test.ts',
    test: 'each listener keeps as many clients waiting as its listenBacklog says',
    reason: 'its net.Server ignores the option backlog and always listens with 512',
  },
]

/** Why Bun is excused from this test; undefined when it is not. */
export function bunExcuse(file: string, test: string): string | undefined {
  return BUN_TABLE.find((row) => row.file === file && row.test === test)?.reason
}
