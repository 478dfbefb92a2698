const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P'] as const

/** Three digits or so and the prefix of the SI: `0`, `999`, `1.5k`, `23M`. */
export const shortNumber = (value: number): string => {
  let step = 0
  let scaled = value
  // What would be shown as 1000 goes into the next prefix.
  while (step < PREFIXES.length - 1 && scaled >= 999.5) {
    scaled /= 1000
    step += 1
  }
  const digits = scaled < 9.95 && !Number.isInteger(scaled) ? scaled.toFixed(1) : String(Math.round(scaled))
  return `${digits}${PREFIXES[step]}`
}

/** Bytes as people read them: `0B`, `1.5kB`, `23MB`; 1 kB is 1000 bytes. */
export const shortBytes = (bytes: number): string => `${shortNumber(bytes)}B`

/** A time span in its two largest units: `0s`, `59s`, `5m12s`, `2h3m`, `4d2h`, `400d`. */
export const shortDuration = (milliseconds: number): string => {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ]
  if (days >= 100) return `${days}d`
  if (days > 0) return `${days}d${hours}h`
  if (hours > 0) return `${hours}h${minutes}m`
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`
}
