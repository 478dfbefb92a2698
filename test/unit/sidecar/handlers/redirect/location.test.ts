import { expect, test } from 'vitest'
import type { RedirectSpec } from '../../../../../crds/index.ts'
import { locationOf } from '../../../../../sidecar/handlers/redirect/location.ts'

const http = { scheme: 'http', port: 8080 } as const
const https = { scheme: 'https', port: 8443 } as const
const ask = (authority: string, path = '/a?b=c') => ({ method: 'GET', path, authority })

const of = (spec: Partial<RedirectSpec>, authority: string, arrival: typeof http | typeof https, path?: string) => {
  const location = locationOf({ statusCode: 302, ...spec }, ask(authority, path), arrival)
  return 'url' in location ? location.url : location.problem
}

test.each([
  // Nothing set: the request's own URL.
  [{}, 'shop.example', http, 'http://shop.example/a?b=c'],
  [{}, 'shop.example:8080', http, 'http://shop.example:8080/a?b=c'],
  [{}, 'shop.example:80', http, 'http://shop.example/a?b=c'],
  [{}, 'Shop.EXAMPLE', https, 'https://shop.example/a?b=c'],
  [{}, 'shop.example:443', https, 'https://shop.example/a?b=c'],
  [{}, '[2001:db8::1]:8443', https, 'https://[2001:db8::1]:8443/a?b=c'],
  [{}, '192.0.2.1:', http, 'http://192.0.2.1/a?b=c'],
  // A scheme brings its own port, whatever port was asked for.
  [{ scheme: 'https' }, 'shop.example:8080', http, 'https://shop.example/a?b=c'],
  [{ scheme: 'http' }, 'shop.example:8443', https, 'http://shop.example/a?b=c'],
  [{ scheme: 'http' }, 'shop.example:8080', http, 'http://shop.example/a?b=c'],
  // A port is left out where it is the scheme's.
  [{ scheme: 'https', port: 8443 }, 'shop.example', http, 'https://shop.example:8443/a?b=c'],
  [{ scheme: 'https', port: 443 }, 'shop.example', http, 'https://shop.example/a?b=c'],
  [{ scheme: 'http', port: 443 }, 'shop.example', http, 'http://shop.example:443/a?b=c'],
  [{ port: 8081 }, 'shop.example:8080', http, 'http://shop.example:8081/a?b=c'],
  [{ port: 80 }, 'shop.example:8080', http, 'http://shop.example/a?b=c'],
  // A host name alone keeps the port that was asked for.
  [{ hostname: 'www.example' }, 'old.example:8443', https, 'https://www.example:8443/a?b=c'],
  [{ hostname: 'www.example' }, 'old.example', https, 'https://www.example/a?b=c'],
  [{ hostname: 'www.example' }, '', https, 'https://www.example:8443/a?b=c'],
  // A path replaces the query as well.
  [{ path: '/new' }, 'shop.example', http, 'http://shop.example/new'],
  [{ path: '/new?from=old' }, 'shop.example', http, 'http://shop.example/new?from=old'],
] as const)('%j, asked for at "%s" over %j: %s', (spec, authority, arrival, url) => {
  expect(of(spec, authority, arrival)).toBe(url)
})

test('a path that looks like another host stays a path', () => {
  expect(of({}, 'shop.example', http, '//evil.example/')).toBe('http://shop.example//evil.example/')
})

test.each([
  ['', 'the request names no Host'],
  ['a b', 'the Host is no host name'],
  ['user@shop.example', 'the Host is no host name'],
  ['shop.example:99999', 'the Host is no host name'],
  ['shop.example:port', 'the Host is no host name'],
  ['shop.example/', 'the Host is no host name'],
  ['shop.example?x', 'the Host is no host name'],
  ['shop.example\\', 'the Host is no host name'],
  ['::1', 'the Host is no host name'],
  ['[::1', 'the Host is no host name'],
  ['[:::]', 'the Host is no host name'],
  ['-shop.example', 'the Host is no host name'],
])('Host "%s" is refused', (authority, problem) => {
  expect(of({}, authority, http)).toBe(problem)
})

test('a malformed Host is refused even where it is not needed', () => {
  expect(of({ hostname: 'www.example', port: 1 }, 'a b', http)).toBe('the Host is no host name')
})
