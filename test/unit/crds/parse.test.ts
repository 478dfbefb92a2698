import { createSecureContext } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { visit } from '../../../crds/catalogue.ts'
import {
  CIPHERS,
  GROUPS,
  type Problem,
  parseSocketServer,
  readManifests,
  socketServerSchema,
} from '../../../crds/index.ts'
import { shapeOf } from '../../../crds/shape.ts'

const listener = { name: 'https', port: 443 }
const host = {
  hostTag: 'shop',
  hostNames: ['shop.example.com'],
  certificate: { secretName: 'shop-tls' },
  handler: { type: 'Echo' },
}

const manifest = (spec: object) => ({
  apiVersion: 'icshosts.io/v1alpha1',
  kind: 'SocketServer',
  metadata: { name: 'edge' },
  spec: { listeners: [listener], icsHosts: [host], ...spec },
})

const problemsOf = (input: string | object): readonly Problem[] => {
  const result = parseSocketServer(input)
  return result.ok ? [] : result.problems
}

const rulesOf = (input: string | object) => problemsOf(input).map(({ rule, path }) => `${rule} ${path}`)

describe('parseSocketServer', () => {
  test('applies every default, and freezes the result to its depth', () => {
    const result = parseSocketServer(manifest({}))
    if (!result.ok) throw new Error('refused')
    expect(result.value.spec).toEqual({
      bindPolicy: 'BestEffort',
      maxClients: 1000,
      maxClientsPerSource: 0,
      banner: '',
      bannerTooBusy: 'Sorry, too many clients\r\n',
      timeouts: { handshakeSeconds: 10, idleSeconds: 3600, connectSeconds: 5, lifetimeSeconds: 0, drainSeconds: 30 },
      access: { allow: [], deny: [], acceptRatePerSource: { perSecond: 0, burst: 0 } },
      certExpireDays: 30,
      recheckSeconds: 3600,
      service: { type: 'ClusterIP', annotations: {}, ports: [] },
      template: {
        labels: {},
        annotations: {},
        resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: {} },
        nodeSelector: {},
        tolerations: [],
        imagePullSecrets: [],
      },
      listeners: [
        {
          name: 'https',
          address: '::',
          port: 443,
          socketFamily: 'Any',
          tls: true,
          listenBacklog: 511,
          maxClients: 0,
          proxyProtocol: { mode: 'None', trustedSources: [] },
        },
      ],
      icsHosts: [
        {
          ...host,
          certificate: { secretName: 'shop-tls', additionalSecretNames: [] },
          enabled: true,
          description: '',
          listeners: [],
          default: false,
          securityLevel: 'High',
        },
      ],
    })
    const thawed: string[] = []
    const walk = (value: unknown, path: string) => {
      if (value === null || typeof value !== 'object') return
      if (!Object.isFrozen(value)) thawed.push(path)
      for (const [key, child] of Object.entries(value)) walk(child, `${path}.${key}`)
    }
    walk(result, '')
    expect(thawed).toEqual([])
  })

  test('leaves the object it was given as it was', () => {
    const input = manifest({})
    const before = structuredClone(input)
    parseSocketServer(input)
    expect(input).toEqual(before)
    expect(Object.isFrozen(input.spec.listeners)).toBe(false)
  })

  test('a null field counts as absent, as in the API server', () => {
    expect(rulesOf(manifest({ bindPolicy: null, icsHosts: [{ ...host, tls: null, listeners: null }] }))).toEqual([])
    expect(rulesOf(manifest({ listeners: null }))).toEqual(['required spec.listeners'])
  })

  test('what the API server adds to a resource is taken and left out', () => {
    const live = {
      ...manifest({}),
      metadata: {
        name: 'edge',
        namespace: 'shop',
        uid: 'x',
        resourceVersion: '1',
        creationTimestamp: '2026-11-01T00:00:00Z',
        managedFields: [{}],
        generation: 3,
      },
      status: { anything: [1] },
    }
    const result = parseSocketServer(live)
    expect(result.ok && result.value.metadata).toEqual({ name: 'edge', namespace: 'shop', generation: 3 })
    expect(result.ok && Object.keys(result.value)).toEqual(['apiVersion', 'kind', 'metadata', 'spec'])
  })

  test('a schema problem in one host hides no rule that another host breaks', () => {
    expect(
      rulesOf(
        manifest({
          icsHosts: [
            { hostTag: 'a', hostNames: 'a.example', handler: { type: 'Echo' }, certificate: 5 },
            { ...host, hostTag: 'b', listeners: ['htps'] },
            { ...host, hostTag: 'c', hostNames: ['x.example', 7] },
            { ...host, hostTag: 'd', hostNames: ['X.example'], enabled: 'perhaps' },
            { ...host, hostTag: 'e', hostNames: ['X.Example'] },
          ],
        }),
      ),
    ).toEqual([
      'type spec.icsHosts[0].hostNames',
      'type spec.icsHosts[0].certificate',
      'type spec.icsHosts[2].hostNames[1]',
      'type spec.icsHosts[3].enabled',
      'listener-unknown spec.icsHosts[1].listeners[0]',
      'host-name-twice spec.icsHosts[4].hostNames[0]',
    ])
  })

  test.each<[string, object, string[]]>([
    [
      'a listener whose tls is unusable',
      { listeners: [{ ...listener, tls: 'perhaps' }], icsHosts: [{ ...host, certificate: undefined }] },
      ['type spec.listeners[0].tls'],
    ],
    [
      'a misspelt certificate',
      { icsHosts: [{ ...host, certificate: undefined, certifcate: { secretName: 'a' } }] },
      ['unknown-field spec.icsHosts[0].certifcate'],
    ],
    [
      'a misspelt default',
      { icsHosts: [{ ...host, hostNames: [], Default: true }] },
      ['unknown-field spec.icsHosts[0].Default'],
    ],
    ['icsHosts that are no list', { icsHosts: {} }, ['type spec.icsHosts']],
    [
      'a listener whose name is missing',
      { listeners: [{ port: 443 }], icsHosts: [{ ...host, listeners: ['https'] }] },
      ['required spec.listeners[0].name'],
    ],
    [
      'a handler of an unknown type',
      { icsHosts: [{ ...host, handler: { type: 'Foward', forward: { backends: [] } } }] },
      ['unknown-value spec.icsHosts[0].handler.type', 'too-few spec.icsHosts[0].handler.forward.backends'],
    ],
    [
      'a backend whose host is unusable',
      { icsHosts: [{ ...host, handler: { type: 'Forward', forward: { backends: [{ host: 5, port: 1 }] } } }] },
      ['type spec.icsHosts[0].handler.forward.backends[0].host'],
    ],
    [
      'a socket family that is unknown',
      { listeners: [{ ...listener, address: '::1', socketFamily: 'ipv4' }] },
      ['unknown-value spec.listeners[0].socketFamily'],
    ],
  ])('nothing is guessed about %s: one problem, and none that follows from it', (_, spec, rules) => {
    expect(rulesOf(manifest(spec))).toEqual(rules)
  })

  test.each<[string, object, RegExp]>([
    ['another case', { icsHosts: [{ ...host, HostNames: [] }] }, /did you mean hostNames/],
    ['a letter less', { lisners: [] }, /did you mean listeners/],
    ['swapped letters', { icsHosts: [{ ...host, handler: { tpye: 'Echo' } }] }, /did you mean type/],
    ['nothing near', { quux: 1 }, /the fields are bindPolicy, maxClients, /],
  ])('an unknown field is refused with the nearest known name: %s', (_, spec, cure) => {
    expect(problemsOf(manifest(spec))[0]?.cure).toMatch(cure)
  })

  test.each<[string, object, RegExp]>([
    ['level', { icsHosts: [{ ...host, securityLevel: 'Tls13only' }] }, /did you mean Tls13Only/],
    [
      'cipher',
      { icsHosts: [{ ...host, tls: { ciphers: ['ECDHE-RSA-AES128-GCM-SHA265'] } }] },
      /did you mean ECDHE-RSA-AES128-GCM-SHA256/,
    ],
    ['group', { icsHosts: [{ ...host, tls: { groups: ['x25519'] } }] }, /did you mean X25519\?/],
    ['status code', { icsHosts: [{ ...host, handler: { type: 'Redirect', redirect: { statusCode: 300 } } }] }, /301/],
  ])('an unknown %s is refused with the nearest known one', (_, spec, cure) => {
    expect(problemsOf(manifest(spec))[0]?.cure).toMatch(cure)
  })

  test('the value is told as written, cut at 200 characters, whatever it is', () => {
    const endless: unknown[] = []
    endless.push(endless)
    expect(problemsOf(manifest({ bindPolicy: 'x'.repeat(500) }))[0]?.value).toMatch(/^"x{198}…$/)
    expect(problemsOf(manifest({ bindPolicy: endless }))[0]?.value.length).toBeLessThanOrEqual(200)
    expect(problemsOf(manifest({ certExpireDays: 10n }))[0]?.value).toBe('10')
    expect(problemsOf(manifest({ certExpireDays: Number.NaN }))[0]?.value).toBe('NaN')
  })

  test('characters are counted as the API server counts them', () => {
    expect(rulesOf(manifest({ icsHosts: [{ ...host, description: '\u{1f600}'.repeat(256) }] }))).toEqual([])
    expect(rulesOf(manifest({ icsHosts: [{ ...host, description: '\u{1f600}'.repeat(257) }] }))).toEqual([
      'too-long spec.icsHosts[0].description',
    ])
  })

  const listeners = (...list: object[]) => ({
    listeners: list.map((entry, index) => ({ name: `l${index}`, port: 443, ...entry })),
  })
  test.each<[string, object, string | undefined]>([
    [
      'the same address spelt otherwise',
      listeners({ address: '2001:db8::1' }, { address: '2001:DB8:0:0::0001' }),
      'socket-twice',
    ],
    ['every address beside one IPv4 address', listeners({}, { address: '192.0.2.1' }), 'socket-overlap'],
    ['every IPv4 address beside one', listeners({ address: '0.0.0.0' }, { address: '192.0.2.1' }), 'socket-overlap'],
    [
      'every IPv4 address, written both ways',
      listeners({ address: '0.0.0.0' }, { socketFamily: 'IPv4' }),
      'socket-twice',
    ],
    [
      'every IPv6 address beside every IPv4 address',
      listeners({ socketFamily: 'IPv6' }, { socketFamily: 'IPv4' }),
      undefined,
    ],
    [
      'every IPv6 address beside one IPv4 address',
      listeners({ socketFamily: 'IPv6' }, { address: '192.0.2.1' }),
      undefined,
    ],
    ['two addresses', listeners({ address: '192.0.2.2' }, { address: '192.0.2.1' }), undefined],
    ['one address on two ports', listeners({ address: '::1' }, { address: '::1', port: 444 }), undefined],
    [
      'plain beside TLS on every address',
      listeners({ address: '0.0.0.0' }, { tls: false, address: '192.0.2.1' }),
      'socket-plain-and-tls',
    ],
  ])('sockets: %s', (_, spec, rule) => {
    expect(
      problemsOf(manifest({ ...spec, icsHosts: [{ ...host, listeners: ['l0'] }] })).map((problem) => problem.rule),
    ).toEqual(rule === undefined ? [] : [rule])
  })

  test.each<[string, object, boolean]>([
    ['::', { address: '::', socketFamily: 'IPv4' }, true],
    ['0::0', { address: '0::0', socketFamily: 'IPv4' }, true],
    ['0.0.0.0', { address: '0.0.0.0', socketFamily: 'IPv4' }, true],
    ['0.0.0.0', { address: '0.0.0.0' }, true],
    ['0.0.0.0', { address: '0.0.0.0', socketFamily: 'IPv6' }, false],
    ['::1', { address: '::1', socketFamily: 'IPv4' }, false],
    ['127.0.0.1', { address: '127.0.0.1', socketFamily: 'IPv6' }, false],
    ['::ffff:127.0.0.1', { address: '::ffff:127.0.0.1' }, false],
    ['fe80::1%eth0', { address: 'fe80::1%eth0' }, false],
    ['127.1', { address: '127.1' }, false],
    ['[::1]', { address: '[::1]' }, false],
  ])('address %s of %j: %s', (_, extra, fine) => {
    expect(problemsOf(manifest({ listeners: [{ ...listener, ...extra }] })).length).toBe(fine ? 0 : 1)
  })

  test('names are compared on the listeners that two hosts share, and no others', () => {
    const two = { listeners: [listener, { name: 'admin', port: 8443 }] }
    const other = { ...host, hostTag: 'other' }
    const hosts = (a: string[], b: string[]) =>
      manifest({
        ...two,
        icsHosts: [
          { ...host, listeners: a },
          { ...other, listeners: b },
        ],
      })
    expect(rulesOf(hosts(['https'], ['admin']))).toEqual([])
    expect(rulesOf(hosts(['https'], ['https', 'admin']))).toEqual(['host-name-twice spec.icsHosts[1].hostNames[0]'])
    expect(rulesOf(hosts(['https'], []))).toEqual(['host-name-twice spec.icsHosts[1].hostNames[0]'])
    expect(rulesOf(manifest({ icsHosts: [host, { ...other, enabled: false }] }))).toEqual([])
  })

  test('a listener with a handler of its own has its default host already', () => {
    const own = { ...listener, handler: { type: 'Echo' }, certificate: { secretName: 'a' } }
    expect(rulesOf(manifest({ listeners: [own], icsHosts: [{ ...host, default: true }] }))).toEqual([
      'default-host-twice spec.icsHosts[0].default',
    ])
    expect(rulesOf(manifest({ listeners: [own] }))).toEqual([])
  })

  test('each field refuses one step beyond each of its bounds', () => {
    const shapes = new Map<string, ReturnType<typeof shapeOf>>()
    visit(shapeOf(socketServerSchema), '', (shape, path) => shapes.set(path, shape))
    const untested: string[] = []
    for (const [path, shape] of shapes) {
      const beyond: unknown[] = []
      if (shape.kind === 'integer')
        beyond.push(
          shape.min - 1,
          ...(shape.max < Number.MAX_SAFE_INTEGER ? [shape.max + 1] : []),
          shape.min + 0.5,
          String(shape.min),
        )
      else if (shape.kind === 'string')
        beyond.push('a'.repeat(shape.max + 1), ...(shape.min > 0 ? ['a'.repeat(shape.min - 1)] : []), 5, true)
      else if (shape.kind === 'list')
        beyond.push(
          Array.from({ length: shape.max + 1 }, () => 0),
          'a',
          {},
          ...(shape.min > 0 ? [[]] : []),
        )
      else if (shape.kind === 'choice') beyond.push('none of these', -1, '')
      else if (shape.kind === 'boolean') beyond.push('true', 1)
      else if (shape.kind === 'object') beyond.push([], 'a', { nope: 1 })
      else continue
      for (const value of beyond) {
        const result = parseSocketServer(documentWith(path, value))
        const at = path.replaceAll('[]', '[0]')
        if (
          result.ok ||
          !result.problems.some((problem) => problem.path === at || problem.path.startsWith(at === '' ? '' : `${at}.`))
        )
          untested.push(`${path} ${String(value)}`)
      }
    }
    expect(untested).toEqual([])
  })

  test('the largest resource is judged in well under a second, the good one and the worst one', () => {
    const most = (names: (host: number, name: number) => string) =>
      manifest({
        listeners: Array.from({ length: 64 }, (_, index) => ({ name: `l${index}`, port: 1000 + index })),
        icsHosts: Array.from({ length: 512 }, (_, h) => ({
          ...host,
          hostTag: `h${h}`,
          listeners: Array.from({ length: 64 }, (_, index) => `l${index}`),
          hostNames: Array.from({ length: 32 }, (_, n) => names(h, n)),
        })),
      })
    for (const [input, ok] of [
      [most((h, n) => `n${n}.h${h}.example.com`), true],
      [most((_, n) => `n${n}.example.com`), false],
    ] as const) {
      const start = performance.now()
      expect(parseSocketServer(input).ok).toBe(ok)
      expect(performance.now() - start).toBeLessThan(1500)
    }
  })

  test('what is beyond the most entries of a list is not judged', () => {
    const problems = problemsOf(manifest({ icsHosts: Array.from({ length: 100_000 }, () => 5) }))
    expect(problems.length).toBe(1 + 512)
    expect(problems[0]).toMatchObject({
      rule: 'too-many',
      message: expect.stringContaining('has 100000 entries, more than 512'),
    })
  })

  test('a flood of unknown fields is told up to a thousand, and the rest is counted', () => {
    const flood = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`listenerz${index}`, 1]))
    const start = performance.now()
    const problems = problemsOf(manifest(flood))
    expect(performance.now() - start).toBeLessThan(2000)
    expect(problems.length).toBe(1001)
    expect(problems.at(-1)).toMatchObject({ rule: 'more-problems', message: '99000 more problems are not listed' })
  })
})

describe('the closed lists', () => {
  test.each(CIPHERS)('OpenSSL knows the cipher suite %s', (ciphers) => {
    expect(() => createSecureContext({ ciphers: `${ciphers}:AES128-SHA:@SECLEVEL=0` })).not.toThrow()
  })

  test.each(GROUPS)('OpenSSL knows the group %s', (ecdhCurve) => {
    expect(() => createSecureContext({ ecdhCurve })).not.toThrow()
  })
})

describe('readManifests', () => {
  const text = (name: string, extra = '') =>
    `apiVersion: icshosts.io/v1alpha1\nkind: SocketServer\nmetadata: {name: ${name}}\nspec:\n  listeners:\n  - {name: a, port: 1, tls: false, handler: {type: Echo}}\n${extra}`
  const secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: shop-tls}\n'

  test('reads every SocketServer of a text, and tells what it skipped and where', () => {
    const { documents, skipped, problems } = readManifests(
      `${text('one')}---\n${secret}---\n\n---\n${text('two', '  nope: 1\n')}`,
    )
    expect(documents.map(({ index, line, name, result }) => [index, line, name, result.ok])).toEqual([
      [1, 1, 'one', true],
      [4, 14, 'two', false],
    ])
    expect(skipped).toEqual([{ index: 2, line: 8, apiVersion: 'v1', kind: 'Secret', name: 'shop-tls' }])
    expect(problems).toEqual([])
  })

  test('reads the items of lists', () => {
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [{ ...manifest({}) }, { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' } }],
    }
    const { documents, skipped } = readManifests(JSON.stringify(list))
    expect([documents.map(({ name }) => name), skipped.map(({ kind }) => kind)]).toEqual([['edge'], ['Service']])
  })

  test.each<[string, string, string]>([
    ['only other kinds', secret, 'no-socket-server'],
    ['only comments', '# nothing\n', 'no-socket-server'],
    ['a list of values', '- 1\n- 2\n', 'not-a-manifest'],
    ['plain text', 'hello\n', 'not-a-manifest'],
    ['the same name twice', `${text('one')}---\n${text('one')}`, 'duplicate-resource'],
    ['no YAML', 'a: b: c', 'yaml-syntax'],
  ])('%s is a problem of the text', (_, input, rule) => {
    const { problems } = readManifests(input)
    expect(problems.map((problem) => problem.rule)).toEqual(expect.arrayContaining([rule]))
    expect(problems.every((problem) => problem.cure !== '')).toBe(true)
  })

  test.each<[string, string, string, string]>([
    ['another kind', secret, 'no-socket-server', ''],
    ['a misspelt kind', text('a').replace('SocketServer', 'Socketserver'), 'unknown-value', 'kind'],
    ['another version', text('a').replace('v1alpha1', 'v2'), 'wrong-api-version', 'apiVersion'],
    ['another group', text('a').replace('icshosts.io', 'example.io'), 'wrong-api-version', 'apiVersion'],
    ['another kind of our group', text('a').replace('SocketServer', 'Other'), 'wrong-kind', 'kind'],
    ['no apiVersion', text('a').replace('apiVersion: icshosts.io/v1alpha1\n', ''), 'required', 'apiVersion'],
    ['two of them', `${text('one')}---\n${text('two')}`, 'several-socket-servers', ''],
  ])('parseSocketServer refuses a text with %s', (_, input, rule, path) => {
    expect(rulesOf(input)).toEqual([`${rule} ${path}`])
  })
})

/** A document with a value at a place, and just enough around it. */
function documentWith(path: string, value: unknown): object {
  if (path === '') return value as object
  const steps = path.split('.')
  const build = (index: number): unknown => {
    const step = steps[index]
    if (step === undefined) return value
    const name = step.replaceAll('[]', '')
    let inner = build(index + 1)
    for (let depth = step.split('[]').length - 1; depth > 0; depth--) inner = [inner]
    return { [name]: inner }
  }
  const built = build(0) as Record<string, unknown>
  return { apiVersion: 'icshosts.io/v1alpha1', kind: 'SocketServer', metadata: { name: 'a' }, ...built }
}
