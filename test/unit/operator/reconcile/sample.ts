import { accept } from '../../../../operator/reconcile/accept.ts'
import type { EngineReport, Facts, PodFacts } from '../../../../operator/reconcile/facts.ts'
import type { RawParent } from '../../../../operator/reconcile/objects/config-map.ts'

/** A moment at which tests judge. */
export const NOW = Date.parse('2026-11-25T12:00:00Z')

/** A SocketServer as the API server has it, with one TLS host. */
export const parentOf = (spec: object = {}, metadata: object = {}): RawParent => ({
  apiVersion: 'icshosts.io/v1alpha1',
  kind: 'SocketServer',
  metadata: { name: 'edge', namespace: 'shop', uid: 'uid-1', generation: 3, resourceVersion: '7', ...metadata },
  spec: {
    replicas: 2,
    listeners: [{ name: 'https', port: 443 }],
    icsHosts: [
      {
        hostTag: 'shop',
        hostNames: ['shop.example.com'],
        certificate: { secretName: 'shop-tls' },
        handler: { type: 'Echo' },
      },
    ],
    ...spec,
  },
})

/** What a good engine of that SocketServer tells. */
export const reportOf = (more: Partial<EngineReport> = {}): EngineReport => {
  const acceptance = accept(parentOf())
  return {
    configHash: acceptance.accepted ? acceptance.configHash : '',
    ready: true,
    configurationError: '',
    recheck: '',
    clients: 3,
    listeners: [{ name: 'https', state: 'Listening', address: '::', port: 443, readyPods: 1, clients: 3, error: '' }],
    icsHosts: [{ hostTag: 'shop', grade: 'OK', messages: [], certificates: [certificate()] }],
    unresolved: [],
    ...more,
  }
}

/** A good certificate in a report. */
export const certificate = (more: object = {}) => ({
  secretName: 'shop-tls',
  subject: 'CN=shop.example.com',
  names: ['shop.example.com'],
  issuer: 'CN=ca',
  serialNumber: '01',
  sha256: 'a'.repeat(64),
  keyType: 'EC P-256',
  notBefore: '2026-01-01T00:00:00Z',
  notAfter: '2027-06-01T00:00:00Z',
  grade: 'OK' as const,
  lastKnownGood: false,
  ...more,
})

/** A ready pod with that report. */
export const podOf = (
  name: string,
  report: PodFacts['report'] = reportOf(),
  more: Partial<PodFacts> = {},
): PodFacts => ({
  name,
  isReady: true,
  trouble: undefined,
  report,
  ...more,
})

/** Everything as it should be: two pods that prove what is declared. */
export const factsOf = (more: Partial<Facts> = {}): Facts => ({
  generation: 3,
  acceptance: accept(parentOf()),
  deployment: { isSeen: true, wanted: 2, replicas: 2, updated: 2, ready: 2, available: 2, refusal: '' },
  pods: [podOf('a'), podOf('b')],
  troubles: [],
  recheck: '',
  selector: 'x=y',
  address: '10.0.0.1',
  before: {},
  now: NOW,
  ...more,
})
