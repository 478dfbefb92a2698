import { spawnSync } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { startChild } from './child.ts'
import { within } from './deadline.ts'

/** Why there is no `openssl` to test with; undefined when there is. For `test.skipIf`. */
export const opensslMissing: string | undefined =
  spawnSync('openssl', ['version']).status === 0 ? undefined : 'the program openssl is not installed'

/** What `openssl s_client` found. */
export interface OpensslResult {
  /** 0 when the handshake succeeded. */
  readonly code: number | null
  /** All it printed. */
  readonly output: string
  /** For example `TLSv1.3`; undefined when the handshake failed. */
  readonly protocol: string | undefined
  /** OpenSSL's name, for example `ECDHE-RSA-AES128-GCM-SHA256`. */
  readonly cipher: string | undefined
  /** The number of the alert the server sent (RFC 8446, 6). */
  readonly alert: number | undefined
}

/** Runs `openssl s_client -connect 127.0.0.1:PORT` with more arguments, sends the input and ends. */
export async function opensslClient(port: number, args: readonly string[] = [], input = ''): Promise<OpensslResult> {
  const child = await startChild(['openssl', 's_client', '-connect', `127.0.0.1:${port}`, ...args])
  const { stdin, stdout, stderr } = child.process
  if (stdin === null || stdout === null || stderr === null) throw new Error('the pipes of openssl are missing')
  stdin.end(input)
  try {
    const finished = Promise.all([child.exited, text(stdout), text(stderr)])
    const [{ code }, out, err] = await within(10_000, 'the end of openssl', finished)
    const output = out + err
    const [, protocol, cipher] = /^New, (\S+), Cipher is (\S+)/m.exec(output) ?? []
    const negotiated = cipher !== undefined && cipher !== '(NONE)'
    const [, alert] = /SSL alert number (\d+)/.exec(output) ?? []
    return {
      code,
      output,
      protocol: negotiated ? (/^\s*Protocol\s*: (\S+)/m.exec(output)?.[1] ?? protocol) : undefined,
      cipher: negotiated ? cipher : undefined,
      alert: alert === undefined ? undefined : Number(alert),
    }
  } finally {
    child.process.kill('SIGKILL')
  }
}
