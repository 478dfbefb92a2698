import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { fieldsOf } from '../../crds/explain.ts'
import { listFields, statusSchema } from '../../crds/index.ts'
import { shapeOf } from '../../crds/shape.ts'
import { installDefinition, socketServersPath } from '../support/cluster/socket-server-api.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane/control-plane.ts'
import { describeCluster } from '../support/control-plane/describe-cluster.ts'

const HANDLER = { type: 'Forward', forward: { backends: [{ host: '127.0.0.1', port: 8080 }] } }

const host = (tag: string, secretName: string) => ({
  hostTag: tag,
  hostNames: [`${tag}.example.com`],
  certificate: { secretName },
  handler: HANDLER,
})

const resource = (spec: object, name = 'edge') =>
  JSON.stringify({ apiVersion: 'icshosts.io/v1alpha1', kind: 'SocketServer', metadata: { name }, spec })

const LISTENERS = { listeners: [{ name: 'https', port: 8443 }] }

const STATUS = {
  observedGeneration: 1,
  replicas: 2,
  readyReplicas: 2,
  selector: 'app.kubernetes.io/instance=edge',
  clients: 17,
  hosts: 1,
  readyListeners: '1/1',
  address: '192.0.2.10',
  nextCertificateExpiry: '2027-01-30T00:00:00Z',
  conditions: [
    {
      ...{ type: 'Ready', status: 'True', observedGeneration: 1, reason: 'Ready' },
      ...{ message: 'everything is served', lastTransitionTime: '2026-11-25T00:00:00Z' },
    },
  ],
}

interface Resource {
  readonly metadata: { readonly generation: number }
  readonly spec: {
    readonly maxClients: number
    readonly replicas?: number
    readonly icsHosts: readonly { readonly hostTag: string; readonly certificate?: { readonly secretName: string } }[]
  }
  readonly status?: Readonly<Record<string, unknown>>
}

describeCluster('kubectl', () => {
  let plane: ControlPlane

  const kubectl = async (args: readonly string[], input?: string) => {
    const result = await plane.admin.kubectl(args, input === undefined ? {} : { input })
    expect(result, result.stderr).toMatchObject({ code: 0 })
    return result.stdout
  }
  const read = async () => (await plane.admin.request(`${socketServersPath()}/edge`)).body as Resource
  const writeStatus = (status: object) =>
    plane.admin.request(`${socketServersPath()}/edge/status?fieldManager=operator&force=true`, {
      method: 'PATCH',
      contentType: 'application/apply-patch+yaml',
      body: { apiVersion: 'icshosts.io/v1alpha1', kind: 'SocketServer', metadata: { name: 'edge' }, status },
    })

  beforeAll(async () => {
    plane = await startControlPlane()
    await installDefinition(plane.admin)
  })
  afterAll(() => plane?.[Symbol.asyncDispose]())

  beforeEach(async () => {
    await kubectl(['delete', 'socketservers', '--all'])
    await kubectl(['apply', '-f', '-'], resource({ ...LISTENERS, icsHosts: [host('shop', 'shop-tls')] }))
  })

  test('explain tells every field, each with its description', async () => {
    const all = await kubectl(['explain', 'socketserver', '--recursive'])
    const fields = [...listFields(), ...fieldsOf(shapeOf(statusSchema, 'status'), 'status')].filter(
      ({ path }) => !path.startsWith('metadata'),
    )
    for (const { path } of fields)
      expect(all).toContain(`\t${path.replace(/\[\]$/, '').split('.').at(-1)}\t`.slice(1, -1))
    for (const path of ['spec.icsHosts.securityLevel', 'spec.listeners.port', 'status.readyListeners']) {
      const told = (await kubectl(['explain', `ics.${path}`])).replace(/\s+/g, ' ')
      const field = fields.find((one) => one.path.replaceAll('[]', '') === path)
      expect(told).toContain(field?.description.slice(0, 200).replace(/\s+/g, ' '))
    }
    expect(await kubectl(['explain', 'ics.spec.icsHosts.handler.type'])).toMatch(/Forward\s+Passthrough\s+Redirect/)
  })

  test('get shows what people look for, and more with -o wide; by the short name and the category, too', async () => {
    expect(await writeStatus(STATUS)).toMatchObject({ status: 200 })
    const rows = (text: string) =>
      text
        .trim()
        .split('\n')
        .map((line) => line.split(/\s{2,}/))
    const [head, row] = rows(await kubectl(['get', 'socketserver', 'edge']))
    expect(head).toEqual(['NAME', 'READY', 'LISTENERS', 'HOSTS', 'CLIENTS', 'CERT-EXPIRES', 'AGE'])
    expect(row?.slice(0, 6)).toEqual(['edge', 'True', '1/1', '1', '17', '2027-01-30T00:00:00Z'])
    const [wideHead, wideRow] = rows(await kubectl(['get', 'ics', '-o', 'wide']))
    expect(wideHead).toEqual([...(head ?? []), 'ADDRESS', 'MESSAGE'])
    expect(wideRow?.slice(-2)).toEqual(['192.0.2.10', 'everything is served'])
    expect(await kubectl(['get', 'icshosts', '-o', 'name'])).toBe('socketserver.icshosts.io/edge\n')
  })

  test('two managers apply different hosts of one list, and neither takes the other away', async () => {
    const apply = (manager: string, tag: string, secretName: string, more: readonly string[] = []) =>
      plane.admin.kubectl(['apply', '--server-side', `--field-manager=${manager}`, ...more, '-f', '-'], {
        input: resource({ ...LISTENERS, icsHosts: [host(tag, secretName)] }, 'shared'),
      })
    expect(await apply('team-a', 'a', 'a-tls')).toMatchObject({ code: 0 })
    expect(await apply('team-b', 'b', 'b-tls')).toMatchObject({ code: 0 })
    const hosts = async () => {
      const { body } = await plane.admin.request(`${socketServersPath()}/shared`)
      return (body as Resource).spec.icsHosts.map(({ hostTag, certificate }) => [hostTag, certificate?.secretName])
    }
    expect(await hosts()).toEqual([
      ['a', 'a-tls'],
      ['b', 'b-tls'],
    ])
    expect(await apply('team-b', 'b', 'b2-tls')).toMatchObject({ code: 0 })
    const conflict = await apply('team-b', 'a', 'stolen-tls')
    expect(conflict.code).not.toBe(0)
    expect(conflict.stderr).toContain('conflicts with "team-a"')
    expect(conflict.stderr).toContain('.spec.icsHosts[hostTag="a"].certificate.secretName')
    expect(await hosts()).toEqual([
      ['a', 'a-tls'],
      ['b', 'b2-tls'],
    ])
  })

  test('patch changes one field; a patch that breaks a rule changes nothing', async () => {
    await kubectl(['patch', 'ics', 'edge', '--type=merge', '-p', '{"spec":{"maxClients":5}}'])
    expect((await read()).spec.maxClients).toBe(5)
    const broken = await plane.admin.kubectl([
      ...['patch', 'ics', 'edge', '--type=json', '-p'],
      '[{"op":"replace","path":"/spec/icsHosts/0/hostNames","value":[]}]',
    ])
    expect(broken.code).not.toBe(0)
    expect(broken.stderr).toContain('[host-never-chosen]')
    expect(broken.stderr).toContain('"shop"')
    expect((await read()).spec.icsHosts).toHaveLength(1)
  })

  test('status and spec are written apart: neither way leads to the other, and only spec counts as a generation', async () => {
    await kubectl(['patch', 'ics', 'edge', '--type=merge', '-p', '{"status":{"clients":3}}'])
    // Until somebody reports, the status tells that nobody has looked.
    expect((await read()).status).toEqual({ observedGeneration: 0 })
    const before = (await read()).metadata.generation
    await kubectl([
      'patch',
      'ics',
      'edge',
      '--subresource=status',
      '--type=merge',
      '-p',
      '{"status":{"clients":3},"spec":{"maxClients":9}}',
    ])
    const after = await read()
    expect(after.status).toEqual({ observedGeneration: 0, clients: 3 })
    expect(after.spec.maxClients).toBe(1000)
    expect(after.metadata.generation).toBe(before)
    await kubectl(['patch', 'ics', 'edge', '--type=merge', '-p', '{"spec":{"maxClients":9}}'])
    expect((await read()).metadata.generation).toBe(before + 1)
    expect((await read()).status).toEqual({ observedGeneration: 0, clients: 3 })
  })

  test('a status that an older program writes, with few fields, is taken; one of a wrong form is not', async () => {
    expect(await writeStatus({ listeners: [{ name: 'https' }], conditions: [{ type: 'Ready' }] })).toMatchObject({
      status: 200,
    })
    for (const status of [
      { listeners: [{ state: 'Listening' }] },
      { clients: -1 },
      { conditions: [{ status: 'True' }] },
    ]) {
      const patch = JSON.stringify({ status })
      const wrong = await plane.admin.kubectl([
        'patch',
        'ics',
        'edge',
        '--subresource=status',
        '--type=merge',
        '-p',
        patch,
      ])
      expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('is invalid') })
    }
  })

  test.runIf(listFields().some(({ path }) => path === 'spec.replicas'))('scale sets replicas', async () => {
    await kubectl(['scale', 'ics', 'edge', '--replicas=5'])
    expect((await read()).spec.replicas).toBe(5)
    expect(await writeStatus(STATUS)).toMatchObject({ status: 200 })
    const { body } = await plane.admin.request(`${socketServersPath()}/edge/scale`)
    expect(body).toMatchObject({
      spec: { replicas: 5 },
      status: { replicas: 2, selector: 'app.kubernetes.io/instance=edge' },
    })
  })
})
