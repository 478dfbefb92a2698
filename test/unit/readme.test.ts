import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { valueEntries } from '../../charts/value-comments.ts'
import { CONDITION_REASONS, listFields, parseSocketServer } from '../../crds/index.ts'
import { OPTION_TABLE } from '../../operator/options.ts'
import { NUDGE_ANNOTATION } from '../../operator/reconcile/names.ts'
import { COMMANDS } from '../../sidecar/cli/commands.ts'
import { CLOSE_REASONS } from '../../sidecar/engine/close-reason.ts'
import { repositoryFiles } from '../architecture/source.ts'
import { codeOf, readme, readmeSection, tableRows } from '../support/readme.ts'
import { repository } from '../support/runtime.ts'

const read = (path: string) => readFileSync(join(repository, path), 'utf8')
const fields = new Set(listFields().map(({ path }) => path))
const optionsOf = (command: string) =>
  new Set(Object.keys(COMMANDS.find(({ name }) => name === command)?.options ?? {}).map((name) => `--${name}`))
const values = new Set(valueEntries(read('charts/socketserver/values.yaml')).map(({ path }) => path))

describe('where to write what one wants: each place exists, in', () => {
  const PLACES: readonly (readonly [heading: string, places: ReadonlySet<string>])[] = [
    ['In the manifest', fields],
    ['On a whole cluster', values],
    ['Of the command', optionsOf('serve')],
  ]
  test.each(PLACES)('%s', (heading, places) => {
    const rows = tableRows(readmeSection(`### ${heading}`))
    expect(rows.length).toBeGreaterThan(5)
    for (const [wish = '', where = ''] of rows) {
      expect(codeOf(where), wish).not.toEqual([])
      expect(
        codeOf(where).filter((place) => !places.has(place)),
        wish,
      ).toEqual([])
    }
  })
})

describe('the troubleshooting', () => {
  const rows = tableRows(readmeSection('## Troubleshooting'))

  test('has a row for every reason of every condition, and for no other', () => {
    const told = rows.flatMap(([seen = '']) =>
      seen.split(';').flatMap((part) => {
        const [reason = '', ...conditions] = codeOf(part)
        return conditions.map((condition) => `${condition} ${reason}`)
      }),
    )
    const known = Object.entries(CONDITION_REASONS).flatMap(([type, reasons]) =>
      Object.keys(reasons).map((reason) => `${type} ${reason}`),
    )
    expect(told.toSorted()).toEqual(known.toSorted())
  })

  test('has a meaning and a command in each row', () => {
    for (const [seen, meaning = '', cure = ''] of rows) {
      expect(meaning, seen).not.toBe('')
      expect(
        codeOf(cure).filter((code) => /^(kubectl|helm|npm) /.test(code)),
        `${seen}: ${cure}`,
      ).not.toEqual([])
    }
  })
})

describe('a picture', () => {
  const pictures = [...readme.matchAll(/!\[([^\]]+)\]\(([^)]+\.svg)\)/g)].map(([, , path = '']) => path)
  const conditionTypes = Object.keys(CONDITION_REASONS)
  const known = new Set([
    ...Object.keys(CLOSE_REASONS),
    ...conditionTypes,
    ...Object.keys(OPTION_TABLE).map((name) => `--${name}`),
    ...[...fields].flatMap((path) => [path, path.split('.').at(-1) ?? '']),
    // what the manifest of the first screen and the operator call things
    ...['edge-ics', 'shop-tls', 'status.conditions', NUDGE_ANNOTATION, '/status'],
    ...['kubectl apply', 'kubectl wait'],
  ])

  test('is there of a connection and of a change', () => {
    expect(pictures).toHaveLength(2)
  })

  test.each(pictures)('names what exists, is told to those who do not see it, and has dark colours: %s', (path) => {
    const svg = read(path)
    expect(svg).toMatch(/<title id="title">[^<]+<\/title>\s*<desc id="description">[^<]+<\/desc>/)
    expect(svg).toContain('@media (prefers-color-scheme: dark)')
    const words = [...svg.matchAll(/<(?:text|tspan) class="code[^"]*"[^>]*>([^<]+)</g)].flatMap(([, text = '']) =>
      known.has(text) ? [text] : text.split(' '),
    )
    expect(words.length).toBeGreaterThan(5)
    expect(words.filter((word) => !known.has(word))).toEqual([])
  })
})

describe('the README', () => {
  test('shows manifests that are valid, and nothing to be warned of', () => {
    const blocks = [...readme.matchAll(/^(?:```yaml|.*<<'YAML')\n([\s\S]*?)^(?:```|YAML)$/gm)]
    const manifests = blocks.map(([, text = '']) => text).filter((text) => text.includes('kind: SocketServer'))
    expect(manifests.length).toBeGreaterThan(2)
    for (const manifest of manifests) expect(parseSocketServer(manifest)).toMatchObject({ ok: true, warnings: [] })
  })

  test('links to headings and files that exist', () => {
    const anchors = [...readme.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    )
    for (const [, file = '', anchor] of readme.matchAll(/\]\(([^)#]*)(?:#([^)]+))?\)/g)) {
      if (anchor !== undefined && file === '') expect(anchors).toContain(anchor)
      else expect([file, existsSync(join(repository, file))]).toEqual([file, true])
    }
  })

  test('has each folder of the sources and what is in it, and no other', () => {
    const deep = /^(?:(?:crds|sidecar|operator|charts|test)(?:\/[^/]+)?|examples|\.ci)(?=\/)/
    const folders = new Set(
      repositoryFiles().flatMap((path) => {
        const [folder] = deep.exec(path) ?? []
        const isFile = folder === path || folder === undefined
        return isFile ? [] : [folder]
      }),
    )
    const told = tableRows(readmeSection('## Where things are in the code')).map(([folder = '']) => codeOf(folder)[0])
    expect(told.filter((folder) => folder !== undefined && !existsSync(join(repository, folder)))).toEqual([])
    expect(told.toSorted()).toEqual([...folders].toSorted())
  })

  test('names scripts of npm that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: object }
    const named = [...readme.matchAll(/npm run (?:-s )?([\w:]+)/g)].map(([, name]) => name)
    expect(named.filter((name) => name !== undefined && !(name in scripts))).toEqual([])
  })
})
