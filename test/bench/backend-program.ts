// The backend of the bench: sends back what it gets; to a message that begins with "D" and a number it answers with
// that many bytes. Argument: its port.
import net from 'node:net'

const BLOCK = Buffer.alloc(256 * 1024, 'x')

/** Sends `left` bytes, no faster than they are taken. */
function flood(socket: net.Socket, left: number): void {
  for (let rest = left; rest > 0; rest -= BLOCK.length) {
    const hasRoom = socket.write(rest >= BLOCK.length ? BLOCK : BLOCK.subarray(0, rest))
    if (!hasRoom && rest > BLOCK.length) {
      socket.once('drain', () => flood(socket, rest - BLOCK.length))
      return
    }
  }
}

net
  .createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      if (chunk[0] === 0x44) flood(socket, Number(chunk.toString('latin1', 1)))
      else socket.write(chunk)
    })
  })
  .listen(Number(process.argv[2]), '127.0.0.1', 4096)
