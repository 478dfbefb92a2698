import type net from 'node:net'

/** What a judge says of the bytes so far. */
export type Prefix<T> =
  | { readonly kind: 'more'; readonly atLeast: number }
  | { readonly kind: 'done'; readonly value: T; readonly consumed: number }

/**
 * Reads from the start of a paused socket until `judge` has decided, then puts everything behind `consumed` back and
 * leaves the socket paused, as if unread. `told` is called once, with undefined when the client ends or goes away first,
 * and with `aborted`, everything put back, when `signal` aborts first. A callback and no promise: every client passes here.
 */
export function readPrefix<T>(
  socket: net.Socket,
  judge: (bytes: Buffer) => Prefix<T>,
  told: (value: T | 'aborted' | undefined) => void,
  signal?: AbortSignal,
): void {
  let pieces: Buffer[] = []
  let have = 0
  let need = 1
  const settle = (value: T | 'aborted' | undefined) => {
    signal?.removeEventListener('abort', onAbort)
    socket.off('data', onData)
    socket.off('end', onEnd)
    socket.off('close', onEnd)
    socket.pause()
    // Not from within the socket's own event: who is told may give the socket to TLS, or destroy it.
    queueMicrotask(() => told(value))
  }
  const onEnd = () => settle(undefined)
  const onAbort = () => {
    settle('aborted')
    if (have > 0) socket.unshift(Buffer.concat(pieces))
  }
  signal?.addEventListener('abort', onAbort)
  const onData = (piece: Buffer) => {
    pieces.push(piece)
    have += piece.length
    if (have < need) return
    const bytes = pieces.length === 1 ? piece : Buffer.concat(pieces)
    pieces = [bytes]
    const verdict = judge(bytes)
    if (verdict.kind === 'more') {
      need = Math.max(verdict.atLeast, have + 1)
      return
    }
    settle(verdict.value)
    if (verdict.consumed < bytes.length) socket.unshift(verdict.consumed > 0 ? bytes.subarray(verdict.consumed) : bytes)
  }
  socket.on('data', onData)
  socket.on('end', onEnd)
  socket.on('close', onEnd)
  socket.resume()
}
