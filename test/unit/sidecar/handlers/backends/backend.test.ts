import { describe, expect, test } from 'vitest'
import { Backend } from '../../../../../sidecar/handlers/backends/backend.ts'

const spec = { host: '127.0.0.1', port: 8080, weight: 1 }

describe('the name and address of a backend', () => {
  test.each([
    [{ service: { name: 'shop', port: 80 }, weight: 1 }, 'prod', 'shop.prod.svc:80'],
    [{ service: { name: 'shop', port: 80 }, weight: 1 }, undefined, 'shop:80'],
    [{ host: 'shop.internal', port: 80, weight: 1 }, 'prod', 'shop.internal:80'],
    [{ host: '::1', port: 80, weight: 1 }, undefined, '[::1]:80'],
    [{ unixPath: '/run/shop.sock', weight: 1 }, 'prod', 'unix:/run/shop.sock'],
  ])('%j in namespace %s is %s', (form, namespace, name) => {
    expect(new Backend(form, namespace).name).toBe(name)
  })
})

describe('the health of a backend', () => {
  const openFrom = (backend: Backend) => {
    let now = 0
    while (!backend.isOpen(now)) now += 100
    return now
  }

  test('a failed connect ejects it for a second, and each further one for twice as long up to half a minute', () => {
    const backend = new Backend(spec, undefined)
    const pauses: number[] = []
    let now = 0
    for (let failure = 0; failure < 7; failure++) {
      backend.enter()
      expect(backend.failed(now)).toBe(true)
      expect(backend.healthy).toBe(false)
      const open = openFrom(backend)
      pauses.push(open - now)
      now = open
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
    expect(backend.failures).toBe(7)
  })

  test('clients that fail together eject it once', () => {
    const backend = new Backend(spec, undefined)
    expect([backend.failed(0), backend.failed(1), backend.failed(999)]).toEqual([true, false, false])
    expect(openFrom(backend)).toBe(1_000)
    expect(backend.failures).toBe(3)
  })

  test('after its time one client at a time tries it', () => {
    const backend = new Backend(spec, undefined)
    backend.failed(0)
    expect(backend.isOpen(1_000)).toBe(true)
    backend.enter()
    expect(backend.isOpen(1_000)).toBe(false)
    backend.abandoned()
    expect(backend.isOpen(1_000)).toBe(true)
  })

  test('a connect that succeeds brings it back, and forgets the failures', () => {
    const backend = new Backend(spec, undefined)
    backend.failed(0)
    backend.failed(1_000)
    backend.enter()
    expect(backend.connected()).toBe(true)
    expect(backend.healthy).toBe(true)
    expect(backend.connected()).toBe(false)
    backend.failed(10_000)
    expect(backend.isOpen(11_000)).toBe(true)
  })
})
