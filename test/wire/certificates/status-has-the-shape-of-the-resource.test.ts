import { expect, test } from 'vitest'
import { createAuthority } from '../../support/certificates.ts'
import { sha256 } from '../../support/digest.ts'
import { startEdge } from '../../support/edge.ts'

const authority = createAuthority({ name: 'Test CA' })
const seconds = (date: Date) => date.toISOString().replace(/\.\d+Z$/, 'Z')

test('/status is what the design says of it, key by key, and nothing besides', async () => {
  const notBefore = new Date(Date.now() - 3_600_000)
  const notAfter = new Date(Date.now() + 60 * 86_400_000)
  const ec = authority.issue({ names: ['a.test', 'www.a.test'], notBefore, notAfter })
  const rsa = authority.issue({ names: ['a.test', 'www.a.test'], notBefore, notAfter, keyType: 'RSA-2048' })
  await using edge = await startEdge({
    hosts: [
      {
        hostNames: ['a.test', 'www.a.test'],
        certificate: { secretName: 'a', additionalSecretNames: ['a-rsa'] },
      },
    ],
    spec: { metadata: { name: 'edge', namespace: 'shop' } },
    async prepare(workspace) {
      await workspace.mountSecret('a', { 'tls.crt': ec.certPem, 'tls.key': ec.keyPem })
      await workspace.mountSecret('a-rsa', { 'tls.crt': rsa.certPem, 'tls.key': rsa.keyPem })
    },
  })
  await using client = await edge.connect({ ca: authority.rootPem })
  await client.request('hello')
  const common = {
    subject: 'CN=a.test',
    names: ['a.test', 'www.a.test'],
    issuer: 'CN=Test CA',
    notBefore: seconds(notBefore),
    notAfter: seconds(notAfter),
    grade: 'OK',
    lastKnownGood: false,
  }
  const status = (await edge.engine.status()) as unknown as Record<string, unknown>
  const { configurationError, unresolved, recheck, ...promised } = status
  // Fields beyond what a resource's status has: why the manifest on disk is not in service, and what the operator asks for.
  expect({ configurationError, unresolved, recheck }).toStrictEqual({
    configurationError: '',
    unresolved: [],
    recheck: '',
  })
  expect(promised).toStrictEqual({
    name: 'edge',
    namespace: 'shop',
    generation: 0,
    configHash: expect.stringMatching(/^[0-9a-f]{16}$/),
    ready: true,
    clients: 1,
    listeners: [
      { name: 'tls', state: 'Listening', address: '127.0.0.1', port: edge.port, readyPods: 1, clients: 1, error: '' },
    ],
    icsHosts: [
      {
        hostTag: 'a',
        grade: 'OK',
        messages: [],
        certificates: [
          {
            ...common,
            secretName: 'a',
            keyType: 'EC P-256',
            serialNumber: ec.certificate.serialNumber.toLowerCase(),
            sha256: sha256(ec.certificate.raw),
          },
          {
            ...common,
            secretName: 'a-rsa',
            keyType: 'RSA 2048',
            serialNumber: rsa.certificate.serialNumber.toLowerCase(),
            sha256: sha256(rsa.certificate.raw),
          },
        ],
      },
    ],
  })
})
