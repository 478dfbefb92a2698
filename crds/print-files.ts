import { readFileSync, writeFileSync } from 'node:fs'

/** What a directory holds that is printed: the name of each file, and who prints it. */
export type PrintedFiles = Readonly<Record<string, () => string>>

const current = (place: URL): string | undefined => {
  try {
    return readFileSync(place, 'utf8')
  } catch {
    return undefined
  }
}

/**
 * Prints the files of a directory (a URL that ends in `/`) that are not as they should be, or with `check` only tells of them.
 * Nothing is written when one of them cannot be printed; what is stale goes to standard error. Gives the exit code.
 */
export function printFiles(directory: URL, label: string, printed: PrintedFiles, check: boolean): number {
  const texts = Object.entries(printed).map(([name, print]) => [name, print()] as const)
  const stale = texts.filter(([name, text]) => current(new URL(name, directory)) !== text)
  for (const [name, text] of stale) {
    if (check)
      process.stderr.write(`${label}/${name} is not what it is made of says: run "npm run generate" and commit it\n`)
    else {
      writeFileSync(new URL(name, directory), text)
      process.stdout.write(`${label}/${name} is printed (${Math.ceil(text.length / 1024)} KB)\n`)
    }
  }
  if (stale.length === 0) process.stdout.write(`everything in ${label} is as it should be\n`)
  return check && stale.length > 0 ? 1 : 0
}

/** Reads the words behind a program that prints files; undefined, and told on standard error, when they are not known. */
export function readCheck(words: readonly string[]): boolean | undefined {
  const unknown = words.filter((word) => word !== '--check')
  if (unknown.length === 0) return words.length > 0
  process.stderr.write(`generate knows no "${unknown.join(' ')}": it takes --check, or nothing\n`)
  return undefined
}
