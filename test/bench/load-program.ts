// The load of the bench, in a process of its own. Argument: a task as JSON. Writes one line of JSON when the task is
// done; `idle` writes it when its clients stand, and holds them until its standard input ends.
import net from 'node:net'
import tls from 'node:tls'
import type { Done, Task } from './load.ts'

const task = JSON.parse(process.argv[2] as string) as Task

// One suite and one group for every server: what is compared is the servers, not their preferences.
const secureContext = tls.createSecureContext({
  minVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256',
  ecdhCurve: 'X25519',
})

interface Result {
  done: number
  failed: number
  resumed: number
}

const result: Result = { done: 0, failed: 0, resumed: 0 }

function connect(session?: Buffer): tls.TLSSocket {
  const socket = net.connect({ host: '127.0.0.1', port: task.port, noDelay: true })
  return tls.connect({
    socket,
    secureContext,
    servername: 'bench.example.com',
    rejectUnauthorized: false,
    ...(session ? { session } : {}),
  })
}

/** Connects, sends one byte there and back, so that the server has its backend, and closes. */
function visit(session: Buffer | undefined, over: (session: Buffer | undefined) => void): void {
  const client = connect(session)
  let ticket: Buffer | undefined
  let isAnswered = false
  client.on('session', (made) => {
    ticket = made
  })
  client.on('secureConnect', () => {
    if (client.isSessionReused()) result.resumed += 1
    client.write('?')
  })
  client.on('data', () => {
    isAnswered = true
    client.end()
  })
  client.on('error', () => {})
  client.on('close', () => {
    if (isAnswered) result.done += 1
    else result.failed += 1
    over(ticket)
  })
}

/** `count` visits by `concurrency` clients at a time. */
async function visits(count: number, concurrency: number, isResuming: boolean): Promise<void> {
  let left = count
  const lane = async (): Promise<void> => {
    let session: Buffer | undefined
    while (left > 0) {
      left -= 1
      // A server that sends no new ticket with a resumed session takes the old one again.
      session =
        (await new Promise<Buffer | undefined>((over) => visit(isResuming ? session : undefined, over))) ?? session
    }
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
}

/** `perSecond` visits a second, whether those before have ended or not, until standard input ends. */
function visitsAtRate(perSecond: number): Promise<void> {
  const begun = performance.now()
  let started = 0
  let open = 0
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - begun) / 1000) * perSecond)
      for (; started < due && open < 500; started += 1) {
        open += 1
        visit(undefined, () => {
          open -= 1
        })
      }
    }, 2)
    process.stdin.on('end', () => {
      clearInterval(timer)
      resolve()
    })
    process.stdin.resume()
  })
}

const connected = (client: tls.TLSSocket) =>
  new Promise<boolean>((resolve) => {
    client.on('error', () => {})
    client.once('secureConnect', () => resolve(true))
    client.once('close', () => resolve(false))
  })

/** Sends a request and waits for as many bytes. */
function exchange(client: tls.TLSSocket, request: Buffer, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = bytes
    const onData = (chunk: Buffer) => {
      left -= chunk.length
      if (left > 0) return
      client.off('data', onData)
      client.off('close', onClose)
      resolve()
    }
    const onClose = () => reject(new Error('closed'))
    client.on('data', onData)
    client.on('close', onClose)
    client.write(request)
  })
}

async function lanes(count: number, run: (client: tls.TLSSocket) => Promise<void>): Promise<void> {
  const clients = Array.from({ length: count }, () => connect())
  await Promise.all(clients.map(connected))
  await Promise.all(clients.map((client) => run(client).catch(() => (result.failed += 1))))
  for (const client of clients) client.destroy()
}

const REQUEST = Buffer.alloc(64, 'r')

async function requests(count: number, connections: number): Promise<void> {
  await lanes(connections, async (client) => {
    for (let left = Math.ceil(count / connections); left > 0; left -= 1) {
      await exchange(client, REQUEST, REQUEST.length)
      result.done += 1
    }
  })
}

async function download(bytes: number, connections: number): Promise<void> {
  const each = Math.ceil(bytes / connections)
  await lanes(connections, async (client) => {
    await exchange(client, Buffer.from(`D${each}`), each)
    result.done += each
  })
}

async function hold(count: number, concurrency: number): Promise<void> {
  let left = count
  const lane = async () => {
    while (left > 0) {
      left -= 1
      const client = connect()
      try {
        if (!(await connected(client))) throw new Error('closed')
        // An idle client has done something before.
        await exchange(client, REQUEST, REQUEST.length)
        result.done += 1
      } catch {
        result.failed += 1
      }
    }
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
}

/** One request every few milliseconds on a kept connection; the 99th percentile of the milliseconds each took. */
async function probe(seconds: number, everyMs: number): Promise<number> {
  const times: number[] = []
  const end = performance.now() + seconds * 1000
  await lanes(1, async (client) => {
    while (performance.now() < end) {
      const begun = performance.now()
      await exchange(client, REQUEST, REQUEST.length)
      times.push(performance.now() - begun)
      result.done += 1
      await new Promise((resolve) => setTimeout(resolve, everyMs))
    }
  })
  times.sort((one, other) => one - other)
  return times[Math.floor(times.length * 0.99)] ?? Number.NaN
}

async function run(): Promise<number | undefined> {
  switch (task.kind) {
    case 'visits':
      await visits(task.count, task.concurrency, task.isResuming)
      return undefined
    case 'flood':
      await visitsAtRate(task.perSecond)
      return undefined
    case 'requests':
      await requests(task.count, task.connections)
      return undefined
    case 'download':
      await download(task.bytes, task.connections)
      return undefined
    case 'hold':
      await hold(task.count, task.concurrency)
      return undefined
    case 'probe':
      return await probe(task.seconds, task.everyMs)
  }
}

const begun = performance.now()
const p99Ms = await run()
const seconds = (performance.now() - begun) / 1000
const done: Done = { ...result, seconds, ...(p99Ms === undefined ? {} : { p99Ms }) }
process.stdout.write(`${JSON.stringify(done)}\n`, () => {
  if (task.kind !== 'hold') process.exit()
  process.stdin.on('end', () => process.exit())
  process.stdin.resume()
})
