import { open, readFile } from 'node:fs/promises'

const CHUNK_BYTES = 8 * 1024 * 1024

/** The readable parts of a process, save those that the kernel keeps in it. */
async function regionsOf(pid: number): Promise<{ readonly from: number; readonly to: number }[]> {
  const maps = await readFile(`/proc/${pid}/maps`, 'utf8')
  return [...maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) r\S* .*$/gm)].flatMap(([line, from = '', to = '']) =>
    /\[v(var|syscall|dso)/.test(line) ? [] : [{ from: Number.parseInt(from, 16), to: Number.parseInt(to, 16) }],
  )
}

/**
 * Which of the texts lie anywhere in the memory of a process (a child of this one), as bytes. Linux only.
 *
 * @throws where the system has no `/proc`
 */
export async function textsInMemory(pid: number, texts: readonly string[]): Promise<string[]> {
  const wanted = new Map(texts.map((text) => [text, Buffer.from(text)]))
  const overlap = Math.max(...[...wanted.values()].map(({ length }) => length))
  const found = new Set<string>()
  const memory = await open(`/proc/${pid}/mem`, 'r')
  const buffer = Buffer.alloc(CHUNK_BYTES + overlap)
  try {
    for (const { from, to } of await regionsOf(pid))
      for (let at = from; at < to; at += CHUNK_BYTES) {
        const length = Math.min(buffer.length, to - at)
        // A part may be given back while it is read.
        const read = await memory.read(buffer, 0, length, at).catch(() => undefined)
        if (read === undefined) continue
        const chunk = buffer.subarray(0, read.bytesRead)
        for (const [text, bytes] of wanted) if (chunk.includes(bytes)) found.add(text)
      }
  } finally {
    await memory.close()
  }
  return [...found]
}
