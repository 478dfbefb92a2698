import { describe, expect, test } from 'vitest'
import { helpText, readOptions } from '../../../operator/options.ts'
import { rolesOf } from '../../../operator/role.ts'
import { SocketServerError } from '../../../sidecar/base/errors.ts'

const read = (words: string[], env: Record<string, string> = { HOME: '/home/me' }) => {
  const command = readOptions(words, env, '1.2.3', false)
  if (command.kind === 'help') throw new Error('help')
  return command.options
}
const refusal = (words: string[]) => {
  try {
    read(words)
  } catch (error) {
    if (error instanceof SocketServerError) return `${error.code} ${error.message} ${error.hint}`
    throw error
  }
  return 'accepted'
}

describe('the options', () => {
  test('have defaults', () => {
    expect(read([])).toMatchObject({
      kubeconfig: '/home/me/.kube/config',
      namespaces: [],
      image: 'socketserver:1.2.3',
      imagePullPolicy: undefined,
      workers: 16,
      probes: { address: '127.0.0.1', port: 8910 },
      leaderElect: true,
      leaseSeconds: 12,
      preStopSeconds: 5,
      watchSecrets: false,
      log: 'json',
    })
  })
  test('the API server is found by the option, by KUBECONFIG, by the pod, by the home directory, in this order', () => {
    const pod = { KUBERNETES_SERVICE_HOST: '10.0.0.1', HOME: '/h' }
    expect(read(['--kubeconfig', '/a'], { ...pod, KUBECONFIG: '/b' }).kubeconfig).toBe('/a')
    expect(read([], { ...pod, KUBECONFIG: '/b:/c' }).kubeconfig).toBe('/b')
    expect(read([], pod).kubeconfig).toBeUndefined()
  })
  test('may be repeated where that means something', () => {
    expect(read(['--namespace', 'a', '--namespace', 'b', '--namespace', 'a']).namespaces).toEqual(['a', 'b'])
  })
  test('say when the image of the engine is pulled', () => {
    expect(read(['--image-pull-policy', 'Never']).imagePullPolicy).toBe('Never')
  })
  test.each([
    [['--workrs', '3'], /did you mean --workers/],
    [['--workers', '0'], /whole number from 1 to 256/],
    [['--lease-duration', '2'], /whole number from 3 to 300/],
    [['--probes', 'here'], /ADDRESS:PORT/],
    [['--log', 'xml'], /json or --log pretty/],
    [['--image-pull-policy', 'always'], /"always".* Always, IfNotPresent, Never/],
    [['rolle'], /there is one command, role/],
    [['role', 'more'], /"more" is not known/],
  ])('%j is refused with the cure', (words, cure) => {
    expect(refusal(words)).toMatch(/^SS_USAGE/)
    expect(refusal(words)).toMatch(cure)
  })
  test('help names each', () => {
    for (const name of ['kubeconfig', 'namespace', 'image', 'workers', 'probes', 'lease-namespace', 'log'])
      expect(helpText()).toContain(`--${name}`)
  })
})

describe('the roles', () => {
  type Role = { kind: string; metadata: { namespace?: string }; rules: { resources: string[]; verbs: string[] }[] }
  const roles = (...args: Parameters<typeof rolesOf>) => rolesOf(...args) as Role[]
  test('hold no verb on Secrets, none that deletes, and no wildcard', () => {
    const rules = roles([], 'default').flatMap((role) => role.rules)
    expect(rules.flatMap((rule) => rule.resources)).not.toContain('secrets')
    expect(rules.flatMap((rule) => rule.verbs).filter((verb) => /delete|\*/.test(verb))).toEqual([])
    expect(JSON.stringify(rules)).not.toContain('*')
  })
  test('let Secrets be listed and watched where they are to be watched, and nothing else of them', () => {
    const rules = roles([], 'default', true).flatMap((role) => role.rules)
    expect(rules.filter(({ resources }) => resources.includes('secrets'))).toEqual([
      { apiGroups: [''], resources: ['secrets'], verbs: ['list', 'watch'] },
    ])
    expect(rules.filter(({ resources }) => !resources.includes('secrets'))).toEqual(
      roles([], 'default').flatMap((role) => role.rules),
    )
  })
  test('are of the cluster, or of each namespace that is looked after', () => {
    expect(roles([], 'x').map(({ kind, metadata }) => [kind, metadata.namespace])).toEqual([
      ['ClusterRole', undefined],
      ['Role', 'x'],
    ])
    expect(roles(['a', 'b'], 'x').map(({ kind, metadata }) => [kind, metadata.namespace])).toEqual([
      ['Role', 'a'],
      ['Role', 'b'],
      ['Role', 'x'],
    ])
  })
})
