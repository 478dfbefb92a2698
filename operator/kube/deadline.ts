/**
 * Does something that ends when its signal comes: after the milliseconds, or when the given signal does. What was done in
 * time leaves nothing behind, where the signals of the platform would make an error for each call some seconds later.
 */
export async function withDeadline<T>(
  milliseconds: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController()
  const timer = setTimeout(() => end.abort(new Error(`no answer within ${milliseconds / 1000} s`)), milliseconds)
  const stop = () => end.abort(signal?.reason)
  signal?.addEventListener('abort', stop)
  if (signal?.aborted) stop()
  try {
    return await work(end.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}
