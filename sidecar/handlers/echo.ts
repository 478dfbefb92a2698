import type { Handler } from '../engine/ports.ts'
import { reflect } from './reflect.ts'

/** The handler Echo: every byte is sent back, and the end of the client is answered by the end. */
export function createEcho(): Handler {
  return {
    serve(client) {
      client.backend = 'echo'
      reflect(client)
    },
  }
}
