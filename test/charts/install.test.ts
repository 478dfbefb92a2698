import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeChart } from '../support/chart-tools/describe-chart.ts'
import { CHART, helm, only, type RenderedObject, render, type Values } from '../support/chart-tools/helm.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane/control-plane.ts'
import { eventually } from '../support/eventually.ts'
import { createPlace, echoSpec, type Place } from '../support/operator/fixture.ts'
import { startOperator } from '../support/operator/operator-process.ts'
import { repository } from '../support/runtime.ts'

const LEFT =
  'clusterroles,clusterrolebindings,roles,rolebindings,deployments,services,configmaps,serviceaccounts,pdb,netpol,crd'

describeChart(
  'a release on a real API server',
  () => {
    let plane: ControlPlane
    let shop: Place
    let mail: Place

    const run = async (args: readonly string[], values?: Values) => {
      const done = await helm([...args, '--namespace', 'operators'], {
        kubeconfig: plane.admin.kubeconfig,
        ...(values === undefined ? {} : { values }),
      })
      expect(done.code, `${done.stdout}${done.stderr}`).toBe(0)
      return done.stdout
    }
    const objects = async () => {
      const listed = await plane.admin.kubectl(['get', LEFT, '-A', '-l', 'helm.sh/chart', '-o', 'name'])
      expect(listed.code, listed.stderr).toBe(0)
      return listed.stdout.trim().split('\n').filter(Boolean).sort()
    }
    const definition = async () =>
      (await plane.admin.request('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/socketservers.icshosts.io'))
        .body as RenderedObject
    /** Runs the operator as its pods would: with their arguments, and the rights of their account. */
    const startReleased = async (values: Values) => {
      const identity = await plane.serviceAccount('operators', 'edge-socketserver')
      const [word, ...args] = only(await render(values), 'Deployment').spec.template.spec.containers[0].args as string[]
      expect(word).toBe('operator')
      return startOperator(identity.kubeconfig, { args: args.filter((arg) => !arg.startsWith('--probes=')) })
    }
    const served = (place: Place) =>
      eventually(
        async () => {
          const status = await place.status('edge')
          expect(status.conditions?.find(({ type }) => type === 'Accepted')?.status).toBe('True')
          return place.get('Deployment', 'edge-ics')
        },
        { withinMs: 60_000, everyMs: 100 },
      )

    beforeAll(async () => {
      plane = await startControlPlane()
      shop = await createPlace(plane.admin, 'shop')
      mail = await createPlace(plane.admin, 'mail')
      await createPlace(plane.admin, 'operators')
    })
    afterAll(() => plane?.[Symbol.asyncDispose]())

    test('is installed, and tells what to do next; the operator has what it needs, and no more', async () => {
      const notes = await run(['install', 'edge', CHART])
      expect(notes).toContain('looks after every namespace')
      expect(notes).toContain('WARNING: the image "socketserver:')
      expect(notes).toContain('rollout status deployment/edge-socketserver')
      expect(notes).toContain('kind: SocketServer')
      await eventually(async () => expect((await plane.admin.request(shop.path('SocketServer'))).status).toBe(200), {
        withinMs: 30_000,
      })
      await shop.apply('edge', echoSpec(8443))
      await using operator = await startReleased({})
      const deployment = await served(shop)
      expect(JSON.stringify(deployment.spec)).toContain('"imagePullPolicy":"IfNotPresent"')
      expect((await operator.metrics()).sum('rest_client_requests_total', { code: '403' })).toBe(0)
      // Whoever ends so gives the lease back.
      await operator.stop()
      const lease = await plane.admin.request(
        '/apis/coordination.k8s.io/v1/namespaces/operators/leases/socketserver-operator',
      )
      expect(lease.status).toBe(200)
      const account = 'system:serviceaccount:operators:edge-socketserver'
      for (const what of ['get secrets', 'delete pods', 'create pods', 'update socketservers'])
        expect((await plane.admin.kubectl(['auth', 'can-i', ...what.split(' '), '-A', '--as', account])).stdout).toBe(
          'no\n',
        )
    })

    test('is upgraded from an older chart, its definition with it; SocketServers stay', async () => {
      const older = await mkdtemp(join(tmpdir(), 'socketserver-chart-'))
      try {
        await cp(CHART, older, { recursive: true })
        const first = await readFile(join(repository, 'test/fixtures/crds/v1alpha1-first.yaml'), 'utf8')
        await writeFile(join(older, 'files/crd-spec.yaml'), first.slice(first.indexOf('\nspec:')))
        await run(['upgrade', 'edge', older])
        const before = await definition()
        await run(['upgrade', 'edge', CHART])
        const contract = load(await readFile(join(repository, 'crds/socketservers.yaml'), 'utf8')) as RenderedObject
        expect((await definition()).spec.versions[0].schema).toEqual(contract.spec.versions[0].schema)
        expect(before.spec.versions[0].schema).not.toEqual(contract.spec.versions[0].schema)
        expect(await shop.exists('SocketServer', 'edge')).toBe(true)
      } finally {
        await rm(older, { recursive: true, force: true })
      }
    })

    test('is moved to two namespaces, and its rights with it', async () => {
      const values = { watchNamespaces: ['mail', 'shop'], image: { repository: 'registry.example.com/socketserver' } }
      const notes = await run(['upgrade', 'edge', CHART], values)
      expect(notes).toContain('looks after the namespaces mail, shop.')
      expect(notes).not.toContain('WARNING')
      const left = await objects()
      expect(left).not.toContain('clusterrole.rbac.authorization.k8s.io/edge-socketserver')
      expect(left.filter((name) => name === 'role.rbac.authorization.k8s.io/edge-socketserver')).toHaveLength(2)
      await mail.apply('edge', echoSpec(8443))
      await using operator = await startReleased(values)
      expect(JSON.stringify((await served(mail)).spec)).toContain('"image":"registry.example.com/socketserver:')
      expect((await operator.metrics()).sum('rest_client_requests_total', { code: '403' })).toBe(0)
    })

    test('is uninstalled: the definition, SocketServers and what serves them stay, nothing else', async () => {
      await run(['uninstall', 'edge'])
      await eventually(
        async () =>
          expect(await objects()).toEqual(['customresourcedefinition.apiextensions.k8s.io/socketservers.icshosts.io']),
        { withinMs: 30_000, everyMs: 200 },
      )
      for (const place of [shop, mail])
        for (const [kind, name] of [
          ['SocketServer', 'edge'],
          ['Deployment', 'edge-ics'],
        ] as const)
          expect(await place.exists(kind, name), `${kind} in ${place.namespace}`).toBe(true)
    })

    test('is installed again over what stayed, and takes the definition along when it is told to', async () => {
      await run(['install', 'edge', CHART], { crds: { keep: false } })
      await run(['uninstall', 'edge'])
      await eventually(async () => expect(await objects()).toEqual([]), { withinMs: 30_000, everyMs: 200 })
    })

    test('takes over a definition that kubectl made, when it is told to; the command is that of the README', async () => {
      const applied = await plane.admin.kubectl(['apply', '-f', join(repository, 'crds')])
      expect(applied.code, applied.stderr).toBe(0)
      const readme = await readFile(join(repository, 'README.md'), 'utf8')
      const [, command = ''] =
        /^helm (install [\s\S]*?[^\\])\n/m.exec(readme.slice(readme.indexOf('## On a cluster'))) ?? []
      const words = command.split(/[\s\\]+/).map((word) => (word === 'charts/socketserver' ? CHART : word))
      // Nothing starts pods here, so that nobody could wait for them.
      expect(words).toContain('--wait')
      const args = words.filter((word) => word !== '--wait')
      const { kubeconfig } = plane.admin
      const refused = await helm(args, { kubeconfig })
      expect(refused.stderr).toMatch(/socketservers\.icshosts\.io.*cannot be imported|invalid ownership metadata/s)
      const taken = await helm([...args, '--take-ownership'], { kubeconfig })
      expect(taken.code, taken.stderr).toBe(0)
      expect(taken.stdout).toContain('is installed in the namespace socketserver')
      const gone = await helm(['uninstall', 'socketserver', '--namespace', 'socketserver'], { kubeconfig })
      expect(gone.code, gone.stderr).toBe(0)
    })
  },
  { controlPlane: true },
)
