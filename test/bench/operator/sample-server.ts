import type { IcsHostStatus } from '../../../crds/index.ts'

/** The specification of one of many alike: a TLS listener and a plain one, a host with a certificate, two backends. */
export const sampleSpec = (banner: string) => ({
  replicas: 2,
  banner,
  listeners: [
    { name: 'https', port: 8443 },
    { name: 'http', port: 8080, tls: false },
  ],
  icsHosts: [
    {
      hostTag: 'shop',
      description: 'the shop front',
      hostNames: ['shop.example.com', '*.shop.example.com'],
      certificate: { secretName: 'shop-tls' },
      default: true,
      handler: {
        type: 'Forward',
        forward: {
          backends: [
            { host: 'shop.shop.svc', port: 8080 },
            { host: 'spare.shop.svc', port: 8080 },
          ],
        },
      },
    },
  ],
})

/** What an engine tells of that host. */
export const SAMPLE_HOST: IcsHostStatus = {
  hostTag: 'shop',
  grade: 'OK',
  messages: [],
  certificates: [
    {
      secretName: 'shop-tls',
      subject: 'CN=shop.example.com',
      names: ['shop.example.com', '*.shop.example.com'],
      issuer: 'CN=An Authority,O=Example',
      serialNumber: '04A1B2C3D4E5F60718293A4B5C6D7E8F9001',
      sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      keyType: 'EC P-256',
      notBefore: '2026-01-01T00:00:00.000Z',
      notAfter: '2036-01-01T00:00:00.000Z',
      grade: 'OK',
      lastKnownGood: false,
    },
  ],
}
