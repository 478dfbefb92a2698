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

/** Where printed files lie, and how it is called. */
export interface PrintedPlace {
  /** A URL that ends in `/`. */
  readonly directory: URL
  /** From the root of the checkout. */
  readonly label: string
  /** What the files are made of, for people. */
  readonly source: string
}

/**
 * Prints the files of a directory that are not as they should be, or with `check` only tells of them.
 * Nothing is written when one of them cannot be printed; what is stale goes to standard error. Gives the exit code.
 */
function printAll({ directory, label }: PrintedPlace, printed: PrintedFiles, check: boolean): number {
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
function readCheck(words: readonly string[]): boolean | undefined {
  const unknown = words.filter((word) => word !== '--check')
  if (unknown.length === 0) return words.length > 0
  process.stderr.write(`generate knows no "${unknown.join(' ')}": it takes --check, or nothing\n`)
  return undefined
}

/**
 * A program that prints files: its words are `--check` or none. What went wrong goes to standard error. Gives the exit code:
 * 1 when files are stale or cannot be printed, 2 for other words.
 */
export function printFiles(place: PrintedPlace, printed: PrintedFiles, words: readonly string[]): number {
  const check = readCheck(words)
  if (check === undefined) return 2
  try {
    return printAll(place, printed, check)
  } catch (error) {
    process.stderr.write(
      `${place.source} cannot be printed: ${error instanceof Error ? error.message : String(error)}\n`,
    )
    return 1
  }
}
