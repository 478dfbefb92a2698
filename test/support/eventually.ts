import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Repeats the probe until it does not throw, and resolves with what it returned. For waiting on another process.
 * Rejects with the probe's last error after `withinMs` (5 s).
 */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  { withinMs = 5_000, everyMs = 20 }: { withinMs?: number; everyMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      return await probe()
    } catch (error) {
      if (performance.now() >= deadline) throw error
      await sleep(everyMs)
    }
  }
}
