import { expect } from 'vitest'
import { eventually } from '../eventually.ts'
import { askOnce, type EnginePod, type Stage } from './stage.ts'
import { PORT } from './two-hosts.ts'

/** Waits until the pod serves the certificate to clients of `shop`, and resolves with the milliseconds since `from`. */
export async function servedBy(
  stage: Stage,
  pod: EnginePod,
  sha256: string,
  { from, withinMs }: { readonly from: number; readonly withinMs: number },
): Promise<number> {
  const target = stage.podClient(pod, 'shop.example.com', PORT)
  await eventually(async () => expect(await askOnce(target)).toBe(sha256), { withinMs, everyMs: 50 })
  return performance.now() - from
}
