/**
 * A signal that follows another one turn of the event loop later. Over HTTP/2 a request with a body that is ended in the very
 * turn that began it, before any of its frames was written, makes Node (26.10) write for ever: the process hangs.
 */
export function gentleAbort(signal: AbortSignal): AbortSignal {
  signal.throwIfAborted()
  const end = new AbortController()
  signal.addEventListener('abort', () => setImmediate(() => end.abort(signal.reason)), { once: true })
  return end.signal
}
