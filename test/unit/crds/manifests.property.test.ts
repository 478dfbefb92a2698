import fc from 'fast-check'
import { dump } from 'js-yaml'
import { describe, expect, test, vi } from 'vitest'
import { parseSocketServer, readManifests, socketServerSchema } from '../../../crds/index.ts'
import { validSocketServer } from './arbitrary.ts'

// Thousands of manifests take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

const runs = { numRuns: 1000 }

/** Pieces of manifests, so that random text gets past the first character now and then. */
const pieces = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 10 }),
      fc.constantFrom(
        'apiVersion: icshosts.io/v1alpha1\n',
        'kind: SocketServer\n',
        'spec:\n',
        '  listeners:\n',
        '  - name: a\n',
        '    port: 1\n',
      ),
      fc.constantFrom(
        '&a ',
        '*a',
        '<<: *a\n',
        '? ',
        ': ',
        '- ',
        '[',
        ']',
        '{',
        '}',
        '|\n',
        '>-\n',
        '!!int ',
        '!x ',
        '---\n',
        '...\n',
        '%YAML 1.1\n',
        '\t',
        '"',
        "'",
        '\\',
        '#',
        '\0',
      ),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''))

/** Whether a value is null, or has it in it. */
const holdsNull = (value: unknown): boolean =>
  value === null || (typeof value === 'object' && Object.values(value as object).some(holdsNull))

describe('parseSocketServer', () => {
  test.each([
    [2, true],
    [1e21, true],
    [0.5, false],
    // Too small for a remainder: what divides by one says that it is whole.
    [5e-324, false],
    [-1, false],
  ])('a quantity that is the number %s is a quantity: %s, for zod as well', (cpu, isQuantity) => {
    const manifest = {
      apiVersion: 'icshosts.io/v1alpha1',
      kind: 'SocketServer',
      metadata: { name: 'a' },
      spec: {
        listeners: [{ name: 'plain', port: 1, tls: false, handler: { type: 'Echo' } }],
        template: { resources: { requests: { cpu } } },
      },
    }
    expect([parseSocketServer(manifest).ok, socketServerSchema.safeParse(manifest).success]).toEqual([
      isQuantity,
      isQuantity,
    ])
  })

  test('random text gives a result and never an exception', () => {
    fc.assert(
      fc.property(fc.oneof(pieces, fc.string({ unit: 'binary' })), (text) => {
        const result = parseSocketServer(text)
        expect(result.ok || result.problems.length > 0).toBe(true)
      }),
      runs,
    )
  })

  test('random bytes give a result and never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(readManifests(bytes).documents).toEqual([])
      }),
      runs,
    )
  })

  test('random JSON gives a result and never an exception, whole and in each place of a manifest', () => {
    const place = fc.constantFrom('metadata', 'spec', 'listeners', 'icsHosts', 'listener', 'host', 'handler', 'tls')
    fc.assert(
      fc.property(fc.jsonValue(), place, (value, where) => {
        const host = {
          hostTag: 'a',
          hostNames: ['a.example'],
          certificate: { secretName: 'a' },
          handler: { type: 'Echo' },
        }
        const manifest: Record<string, unknown> = {
          apiVersion: 'icshosts.io/v1alpha1',
          kind: 'SocketServer',
          metadata: where === 'metadata' ? value : { name: 'a' },
          spec:
            where === 'spec'
              ? value
              : {
                  listeners: where === 'listeners' ? value : [where === 'listener' ? value : { name: 'l', port: 1 }],
                  icsHosts:
                    where === 'icsHosts'
                      ? value
                      : [
                          where === 'host'
                            ? value
                            : { ...host, ...(where === 'handler' || where === 'tls' ? { [where]: value } : {}) },
                        ],
                },
        }
        for (const input of [value, manifest]) {
          const result = parseSocketServer(JSON.stringify(input))
          expect(result.ok || result.problems.length > 0).toBe(true)
          if (input !== null && typeof input === 'object') parseSocketServer(input)
        }
      }),
      runs,
    )
  })

  test('a valid manifest is accepted, as an object, as JSON and as YAML alike', () => {
    fc.assert(
      fc.property(validSocketServer, (manifest) => {
        const result = parseSocketServer(manifest)
        expect(result.ok ? [] : result.problems).toEqual([])
        expect(parseSocketServer(JSON.stringify(manifest))).toEqual(result)
        // Quotes everywhere, since js-yaml leaves text like 0_ bare, which kubectl takes for a number.
        expect(parseSocketServer(dump(manifest, { noRefs: true, forceQuotes: true }))).toEqual(result)
      }),
      runs,
    )
  })

  test('what is parsed parses to itself, and is what zod makes of it', () => {
    fc.assert(
      fc.property(validSocketServer, (manifest) => {
        const once = parseSocketServer(manifest)
        if (!once.ok) throw new Error('the arbitrary is not valid')
        const again = parseSocketServer(once.value)
        expect(again.ok && again.value).toEqual(once.value)
        expect(socketServerSchema.parse(manifest)).toEqual(once.value)
      }),
      runs,
    )
  })

  test('zod refuses what has a schema problem, and nothing else', () => {
    const schemaRules =
      /^(required|type|unknown-field|unknown-value|too-|dns-label|object-name|host-tag|host-name(?!-twice)|wrong-)/
    fc.assert(
      fc.property(
        validSocketServer,
        fc.nat(),
        fc.oneof(fc.jsonValue(), fc.constantFrom('', 'A_', 0, 70000, 'x'.repeat(300))),
        (manifest, where, value) => {
          const changed = structuredClone(manifest)
          change(changed, where, value)
          const result = parseSocketServer(changed)
          const schema = result.ok ? [] : result.problems.filter((problem) => schemaRules.test(problem.rule))
          // Rules over several fields and lists without repetition are beyond zod; null counts as absent here, as in the API server.
          if (holdsNull(value) || schema.length < (result.ok ? 0 : result.problems.length)) return
          expect(socketServerSchema.safeParse(changed).success, JSON.stringify([schema, changed])).toBe(
            schema.length === 0,
          )
        },
      ),
      runs,
    )
  })
})

/** Replaces one of all the values of a document, chosen by a number. */
function change(root: object, where: number, value: unknown): void {
  const places: [Record<string, unknown>, string][] = []
  const visit = (node: unknown) => {
    if (node === null || typeof node !== 'object') return
    for (const key of Object.keys(node)) {
      places.push([node as Record<string, unknown>, key])
      visit((node as Record<string, unknown>)[key])
    }
  }
  visit(root)
  const [node, key] = places[where % places.length] ?? []
  if (node !== undefined && key !== undefined) node[key] = value
}
