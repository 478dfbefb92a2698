// A chat over TLS: everybody hears what one says. Run it with "node examples/chat.ts 7000", and chat with
//   openssl s_client -quiet -connect localhost:7000
import { createInterface } from 'node:readline'
import { type SocketClient, SocketServer } from 'socketserver'

const spec = {
  banner: 'Welcome to the chat. Your first line is your name.\r\n',
  listeners: [{ name: 'chat', port: Number(process.argv[2] ?? 7000), certificate: { secretName: 'chat-tls' } }],
}
const server = new SocketServer(spec, { handler: chat, selfSigned: true })

async function chat(client: SocketClient) {
  const say = (text: string) => {
    for (const other of server.clients) if (other !== client) other.write(`${text}\r\n`)
  }
  const lines = createInterface({ input: client })[Symbol.asyncIterator]()
  const { value: name = 'Nobody' } = await lines.next()
  say(`${name} is here`)
  for await (const line of lines) say(`${name}: ${line}`)
  say(`${name} has left`)
}

await server.listen()
console.log(`The chat listens on port ${spec.listeners[0]?.port}`)
