import { setTimeout as sleep } from 'node:timers/promises'
import { connectTls, type TlsClient, type TlsClientOptions } from './tls-client.ts'

/** Clients that ask an echoing host all the time, on connections they keep and on new ones. */
export interface SteadyLoad extends AsyncDisposable {
  /** Requests answered so far. */
  readonly answered: number
  /** What failed, in words, the first twenty; empty while nothing did. */
  readonly failures: readonly string[]
  /** Ends every client and tells what failed. */
  stop(): Promise<readonly string[]>
}

/**
 * Starts `kept` clients that keep their connection and `fresh` ones that connect for every request. The targets take
 * turns; each must be a TLS host that echoes.
 */
export async function startLoad(
  targets: readonly TlsClientOptions[],
  { kept = 2, fresh = 2, pauseMs = 5 }: { kept?: number; fresh?: number; pauseMs?: number } = {},
): Promise<SteadyLoad> {
  const failures: string[] = []
  let answered = 0
  let isOver = false
  const ask = async (client: TlsClient) => {
    const text = `request ${answered}`
    const answer = await client.request(text)
    if (answer !== text) throw new Error(`asked ${text}, was answered ${answer}`)
    answered += 1
  }
  const tell = (what: string, at: TlsClientOptions) => (error: unknown) => {
    if (!isOver && failures.length < 20)
      failures.push(`${what} of ${at.servername} on ${'port' in at ? at.port : ''}: ${error}`)
  }
  const keep = async (at: TlsClientOptions) => {
    await using client = await connectTls(at)
    while (!isOver) {
      await ask(client)
      await sleep(pauseMs)
    }
  }
  const renew = async (at: TlsClientOptions) => {
    while (!isOver) {
      try {
        await using client = await connectTls(at)
        await ask(client)
      } catch (error) {
        tell('a fresh client', at)(error)
      }
      await sleep(pauseMs)
    }
  }
  const running = targets.flatMap((at) => [
    ...Array.from({ length: kept }, () => keep(at).catch(tell('a kept client', at))),
    ...Array.from({ length: fresh }, () => renew(at)),
  ])
  const stop = async () => {
    isOver = true
    await Promise.all(running)
    return failures
  }
  return {
    failures,
    get answered() {
      return answered
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
    },
  }
}
