import { type SteadyLoad, startLoad } from '../steady-load.ts'
import type { TlsClientOptions } from '../tls-client.ts'

/** Clients that connect for every request: a kept one would be ended by whatever ends its pod. */
export const startFreshClients = (target: TlsClientOptions): Promise<SteadyLoad> =>
  startLoad([target], { kept: 0, fresh: 4, pauseMs: 10 })
