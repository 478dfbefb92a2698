/** Milliseconds a worker has to answer what is asked of it in passing. */
const ANSWER_MS = 2_000

/** What a worker answers, or something else when it does not in time, or fails. */
export async function inTime<Value, Otherwise>(
  promise: Promise<Value>,
  otherwise: Otherwise,
): Promise<Value | Otherwise> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Otherwise>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), ANSWER_MS)
  })
  try {
    return await Promise.race([promise.catch(() => otherwise), late])
  } finally {
    clearTimeout(timer)
  }
}
