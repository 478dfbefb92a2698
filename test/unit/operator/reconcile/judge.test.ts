import { describe, expect, test } from 'vitest'
import { CONDITION_REASONS, CONDITION_TYPES, type ConditionType } from '../../../../crds/index.ts'
import { accept } from '../../../../operator/reconcile/accept.ts'
import type { Facts } from '../../../../operator/reconcile/facts.ts'
import { judge } from '../../../../operator/reconcile/judge.ts'
import { certificate, factsOf, parentOf, podOf, reportOf } from './sample.ts'

type Wanted = Partial<Record<ConditionType, string>>

const deployment = { isSeen: true, wanted: 2, replicas: 2, updated: 2, ready: 2, available: 2, refusal: '' }
const trouble = (
  reason: 'ObjectRefused' | 'ObjectTaken' | 'ObjectForeign' | 'QuotaExceeded' | 'NamespaceTerminating',
) => ({
  troubles: [{ kind: 'Service' as const, name: 'edge-ics', reason, message: 'why' }],
})
const host = (more: object) => ({
  hostTag: 'shop',
  grade: 'OK' as const,
  messages: [],
  certificates: [certificate()],
  ...more,
})

/** What each condition is, as `status reason`; what is not named is as when all is well. */
const WELL: Required<Wanted> = {
  Accepted: 'True Accepted',
  ResolvedRefs: 'True Resolved',
  Programmed: 'True Programmed',
  ListenersReady: 'True Listening',
  CertificatesValid: 'True Valid',
  CertificatesRenewed: 'True Renewed',
  Ready: 'True Ready',
}
const UNREAD = {
  ResolvedRefs: 'Unknown PodUnreadable',
  ListenersReady: 'Unknown PodUnreadable',
  CertificatesValid: 'Unknown PodUnreadable',
  CertificatesRenewed: 'Unknown PodUnreadable',
}
const NO_PODS = {
  ResolvedRefs: 'Unknown NoPods',
  ListenersReady: 'Unknown NoPods',
  CertificatesValid: 'Unknown NoPods',
  CertificatesRenewed: 'Unknown NoPods',
}

const CASES: Readonly<Record<string, readonly [facts: Partial<Facts>, wanted: Wanted, told?: RegExp]>> = {
  'all is well': [{}, {}],
  'the specification breaks a rule': [
    { acceptance: accept(parentOf({ listeners: [] })) },
    { Accepted: 'False Invalid', Programmed: 'False NotAccepted', Ready: 'False Invalid' },
    /Accepted: spec\.listeners/,
  ],
  'the CRD is newer than the operator': [
    { acceptance: accept(parentOf({ bindPolicy: 'Sometimes', brandNew: 1 })) },
    { Accepted: 'False Unsupported', Programmed: 'False NotAccepted', Ready: 'False Unsupported' },
    /this operator may be older than the CRD/,
  ],
  'no Deployment is there yet': [
    { deployment: undefined, pods: [] },
    { ...NO_PODS, Programmed: 'False Progressing', Ready: 'False Progressing' },
  ],
  'the Deployment was changed a moment ago': [
    { deployment: { ...deployment, isSeen: false } },
    { Programmed: 'False Progressing', Ready: 'False Progressing' },
  ],
  'a pod of the template before is still there': [
    { deployment: { ...deployment, replicas: 3 } },
    { Programmed: 'False Progressing', Ready: 'False Progressing' },
  ],
  'one pod of two is ready': [
    {
      deployment: { ...deployment, ready: 1, available: 1 },
      pods: [podOf('a'), podOf('b', undefined, { isReady: false })],
    },
    { Programmed: 'False Progressing', Ready: 'False Progressing' },
    /1 of 2 pods are ready/,
  ],
  'a pod runs an older generation': [
    { pods: [podOf('a'), podOf('b', reportOf({ configHash: 'old' }))] },
    { Programmed: 'False Progressing', Ready: 'False Progressing' },
    /1 of 2 pods run this generation; not yet: "b"/,
  ],
  'a pod has not checked its certificates as asked': [
    { recheck: 'now', pods: [podOf('a', reportOf({ recheck: 'now' })), podOf('b')] },
    { Programmed: 'False Progressing', Ready: 'False Progressing' },
  ],
  'a ready pod tells nothing': [
    { pods: [podOf('a'), podOf('b', { unread: 'it answers 500' })] },
    { ...UNREAD, Programmed: 'Unknown PodUnreadable', Ready: 'False PodUnreadable' },
    /pod "b" does not tell its state: it answers 500/,
  ],
  'a pod refuses the configuration': [
    { pods: [podOf('a'), podOf('b', reportOf({ configurationError: 'port 443 is in use' }), { isReady: false })] },
    { Programmed: 'False ConfigurationRefused', Ready: 'False ConfigurationRefused' },
    /pod "b": port 443 is in use/,
  ],
  'no pod is wanted': [
    { deployment: { ...deployment, wanted: 0, replicas: 0, updated: 0, ready: 0, available: 0 }, pods: [] },
    { ...NO_PODS, Programmed: 'False ScaledToZero', Ready: 'False ScaledToZero' },
  ],
  'the image cannot be pulled': [
    {
      deployment: { ...deployment, ready: 0, available: 0 },
      pods: [
        podOf('a', undefined, { isReady: false, trouble: { reason: 'ImageUnavailable', message: 'ErrImagePull' } }),
      ],
    },
    { ...NO_PODS, Programmed: 'False ImageUnavailable', Ready: 'False ImageUnavailable' },
    /pod "a": ErrImagePull/,
  ],
  'a quota keeps pods from being made': [
    { deployment: { ...deployment, refusal: 'pods "x" is forbidden: exceeded quota: q' } },
    { Programmed: 'False QuotaExceeded', Ready: 'False QuotaExceeded' },
    /raise the quota/,
  ],
  'pods are refused for another reason': [
    { deployment: { ...deployment, refusal: 'violates PodSecurity' } },
    { Programmed: 'False PodsRefused', Ready: 'False PodsRefused' },
  ],
  'the API server refuses the Service': [
    trouble('ObjectRefused'),
    { Programmed: 'False ObjectRefused', Ready: 'False ObjectRefused' },
    /Service "edge-ics": why/,
  ],
  'another manager has a field': [
    trouble('ObjectTaken'),
    { Programmed: 'False ObjectTaken', Ready: 'False ObjectTaken' },
  ],
  'the name is taken': [trouble('ObjectForeign'), { Programmed: 'False ObjectForeign', Ready: 'False ObjectForeign' }],
  'the namespace is being deleted': [
    trouble('NamespaceTerminating'),
    { Programmed: 'False NamespaceTerminating', Ready: 'False NamespaceTerminating' },
  ],
  'a listener does not listen in one pod': [
    {
      pods: [
        podOf('a'),
        podOf(
          'b',
          reportOf({ listeners: [{ ...reportOf().listeners[0]!, state: 'Closed', error: 'port 443 is in use' }] }),
        ),
      ],
    },
    { ListenersReady: 'False ListenerFailed', Ready: 'False ListenerFailed' },
    /listener "https" does not listen in pod "b": port 443 is in use/,
  ],
  'a Secret is refused and the last good one served': [
    {
      pods: [
        podOf(
          'a',
          reportOf({ unresolved: [{ kind: 'Secret', name: 'shop-tls', message: 'Secret "shop-tls": no key' }] }),
        ),
        podOf('b'),
      ],
    },
    { ResolvedRefs: 'False RefNotUsable', Ready: 'False RefNotUsable' },
    /Secret "shop-tls": no key/,
  ],
  'a host has no certificate': [
    { pods: [podOf('a', reportOf({ icsHosts: [host({ grade: 'None', certificates: [] })] })), podOf('b')] },
    { CertificatesValid: 'False CertificateMissing', Ready: 'False CertificateMissing' },
  ],
  'a certificate has ended': [
    {
      pods: [
        podOf(
          'a',
          reportOf({
            icsHosts: [
              host({
                grade: 'Fail',
                messages: ['expired'],
                certificates: [certificate({ grade: 'Fail', notAfter: '2026-11-01T00:00:00Z' })],
              }),
            ],
          }),
        ),
        podOf('b'),
      ],
    },
    {
      CertificatesValid: 'False CertificateInvalid',
      CertificatesRenewed: 'False CertificateExpiring',
      Ready: 'False CertificateInvalid',
    },
  ],
  'a certificate is near its end': [
    {
      pods: [
        podOf(
          'a',
          reportOf({ icsHosts: [host({ certificates: [certificate({ notAfter: '2026-12-01T00:00:00Z' })] })] }),
        ),
        podOf('b'),
      ],
    },
    { CertificatesRenewed: 'False CertificateExpiring' },
    /all is served/,
  ],
}

describe('judge', () => {
  for (const [name, [facts, wanted, told]] of Object.entries(CASES))
    test(`when ${name}`, () => {
      const verdicts = judge(factsOf(facts))
      expect(Object.fromEntries(verdicts.map((one) => [one.type, `${one.status} ${one.reason}`]))).toEqual({
        ...WELL,
        ...wanted,
      })
      if (told !== undefined) expect(verdicts.at(-1)?.message).toMatch(told)
    })

  test('gives every condition once, in the order of the contract, with reasons of the list', () => {
    for (const [facts] of Object.values(CASES)) {
      const verdicts = judge(factsOf(facts))
      expect(verdicts.map(({ type }) => type)).toEqual(CONDITION_TYPES)
      for (const { type, reason } of verdicts)
        if (type !== 'Ready') expect(Object.keys(CONDITION_REASONS[type])).toContain(reason)
    }
  })

  test('every reason of the list but those of sizes is reached by a case', () => {
    const reached = new Set(
      Object.values(CASES).flatMap(([facts]) => judge(factsOf(facts)).map(({ type, reason }) => `${type} ${reason}`)),
    )
    const all = Object.entries(CONDITION_REASONS).flatMap(([type, reasons]) =>
      Object.keys(reasons).map((one) => `${type} ${one}`),
    )
    const apart = ['Accepted TooLarge', 'Programmed Unschedulable', 'Programmed PodFailing']
    expect(all.filter((one) => !reached.has(one))).toEqual(apart)
  })
})
