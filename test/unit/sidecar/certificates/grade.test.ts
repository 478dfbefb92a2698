import { describe, expect, test } from 'vitest'
import type { Grade } from '../../../../crds/index.ts'
import type { Assessment } from '../../../../sidecar/certificates/assess.ts'
import { gradeHost, gradeServed, type SecretState, worstGrade } from '../../../../sidecar/certificates/grade.ts'

const GOOD: Assessment = { unfit: [], outOfDate: [], flaws: [], warnings: [], changesAt: undefined }
const state = (parts: Partial<SecretState> = {}): SecretState => ({
  secretName: 'shop-tls',
  served: undefined,
  refused: [],
  missing: undefined,
  remarks: [],
  ...parts,
})

const CASES: Record<string, [secrets: SecretState[], grade: Grade, messages: string[]]> = {
  'OK: good material is served': [[state({ served: GOOD })], 'OK', []],
  'Warn: what is served needs a look': [
    [state({ served: { ...GOOD, warnings: ['tls.crt expires soon; renew it'] } })],
    'Warn',
    ['Secret "shop-tls": tls.crt expires soon; renew it'],
  ],
  'Fail: what is served is refused by some': [
    [state({ served: { ...GOOD, flaws: ['tls.crt lacks a certificate; append it'], warnings: ['and more'] } })],
    'Fail',
    ['Secret "shop-tls": tls.crt lacks a certificate; append it', 'Secret "shop-tls": and more'],
  ],
  'Fail: what is served is past its end': [
    [state({ served: { ...GOOD, outOfDate: ['tls.crt expired; renew it'] } })],
    'Fail',
    ['Secret "shop-tls": tls.crt expired; renew it'],
  ],
  'Warn: the last good certificate is served beside refused material': [
    [state({ served: GOOD, refused: ['tls.key does not belong to tls.crt; order again'] })],
    'Warn',
    ['Secret "shop-tls": tls.key does not belong to tls.crt; order again; the last good certificate is still served'],
  ],
  'Warn: the last good certificate is served after its Secret is gone': [
    [state({ served: GOOD, missing: 'is missing; create it' })],
    'Warn',
    ['Secret "shop-tls" is missing; create it; the last good certificate is still served'],
  ],
  'Fail: nothing is served, and what lies there is refused': [
    [state({ refused: ['tls.crt is empty; put PEM text into it', 'tls.key is missing; put it there'] })],
    'Fail',
    [
      'Secret "shop-tls": tls.crt is empty; put PEM text into it',
      'Secret "shop-tls": tls.key is missing; put it there',
    ],
  ],
  'None: the Secret is missing': [
    [state({ missing: 'is missing; create it' })],
    'None',
    ['Secret "shop-tls" is missing; create it'],
  ],
  'None: the host names no Secret': [
    [],
    'None',
    ['the host has no certificate; name a Secret of type kubernetes.io/tls in certificate.secretName'],
  ],
  'Warn: one key type of two is served': [
    [state({ served: GOOD }), state({ secretName: 'shop-rsa', missing: 'is missing; create it' })],
    'Warn',
    ['Secret "shop-rsa" is missing; create it'],
  ],
  'Fail: one of two served certificates is refused': [
    [state({ served: GOOD }), state({ secretName: 'shop-rsa', served: { ...GOOD, flaws: ['bad'] } })],
    'Fail',
    ['Secret "shop-rsa": bad'],
  ],
  'Warn: a remark': [
    [state({ served: GOOD, remarks: ['is missing: a throwaway is served'] })],
    'Warn',
    ['Secret "shop-tls" is missing: a throwaway is served'],
  ],
}

describe('a host is graded', () => {
  test.each(Object.entries(CASES))('%s', (_, [secrets, grade, messages]) => {
    expect(gradeHost(secrets, true)).toEqual({ grade, messages })
  })

  test('None without a message when it needs no certificate', () => {
    expect(gradeHost([state({ missing: 'is missing' })], false)).toEqual({ grade: 'None', messages: [] })
  })

  test('with each message once, and no more than the contract has room for', () => {
    const refused = Array.from({ length: 50 }, (_, index) => `fault ${index}`)
    const { messages } = gradeHost([state({ refused: [...refused, ...refused, 'x'.repeat(5000)] })], true)
    expect(messages).toHaveLength(32)
    expect(messages.at(-1)).toBe('and 20 more')
    expect(gradeHost([state({ refused: ['x'.repeat(5000)] })], true).messages[0]).toHaveLength(1024)
  })
})

test('a served certificate is graded by what clients do', () => {
  expect(gradeServed(GOOD, false)).toBe('OK')
  expect(gradeServed(GOOD, true)).toBe('Warn')
  expect(gradeServed({ ...GOOD, warnings: ['w'] }, false)).toBe('Warn')
  expect(gradeServed({ ...GOOD, flaws: ['f'], warnings: ['w'] }, true)).toBe('Fail')
})

test('the worst grade wins', () => {
  expect(worstGrade([])).toBe('OK')
  expect(worstGrade(['OK', 'Warn'])).toBe('Warn')
  expect(worstGrade(['Fail', 'Warn', 'OK'])).toBe('Fail')
})
