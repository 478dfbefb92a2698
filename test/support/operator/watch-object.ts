import { request } from 'node:https'
import { createInterface } from 'node:readline'
import type { ControlPlane } from '../control-plane/control-plane.ts'

/**
 * Tells of every version of one object from now on, in order; one that is not there yet is told of when it comes. Disposing
 * ends it.
 */
export async function watchObject<T>(
  { url, ca, admin }: ControlPlane,
  listPath: string,
  name: string,
  told: (object: T) => void,
): Promise<AsyncDisposable> {
  const { credentials } = admin
  if (!('certificate' in credentials)) throw new Error('the administrator has no certificate')
  const query = new URLSearchParams({ watch: 'true', fieldSelector: `metadata.name=${name}` })
  const sent = request(new URL(`${listPath}?${query}`, url), {
    ...{ ca, cert: credentials.certificate, key: credentials.key, agent: false },
  })
  const ended = new Promise<void>((resolve) => sent.once('close', resolve))
  await new Promise<void>((resolve, reject) => {
    // What comes after the answer has begun is the end that was asked for, or the end of the control plane.
    sent.on('error', reject)
    sent.once('response', (answer) => {
      answer.on('error', () => {})
      if (answer.statusCode !== 200) {
        reject(new Error(`the watch is answered by ${answer.statusCode}`))
        return
      }
      const lines = createInterface({ input: answer })
      lines.on('error', () => {})
      lines.on('line', (line) => {
        const { type, object } = JSON.parse(line) as { type: string; object: T }
        if (type === 'ADDED' || type === 'MODIFIED') told(object)
      })
      resolve()
    })
    sent.end()
  })
  return {
    async [Symbol.asyncDispose]() {
      sent.destroy()
      await ended
    },
  }
}
