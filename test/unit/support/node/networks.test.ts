import { expect, test } from 'vitest'
import { areFree, networksOf } from '../../../support/node/networks.ts'

const routes = (...destinations: string[]) => destinations.map((dst) => ({ dst }))

test('a machine with a default route and networks of its own has room for a node', () => {
  expect(areFree(networksOf(0), routes('default', '192.0.2.0/24', '127.0.0.0/8'))).toBe(true)
})

test.for([
  ['the pods of the first node', '10.200.0.0/24'],
  ['a Service of the first node', '10.201.0.7'],
  ['a part of the wire to the first node', '10.202.0.0/31'],
])('a route to %s leaves room for the second', ([, destination = '']) => {
  expect(areFree(networksOf(0), routes('default', destination))).toBe(false)
  expect(areFree(networksOf(1), routes('default', destination))).toBe(true)
})

test.for([['10.0.0.0/8'], ['10.200.0.0/13'], ['0.0.0.0/1']])(
  'a route to %s leaves room for none',
  ([destination = '']) => {
    for (const index of [0, 7, 15]) expect(areFree(networksOf(index), routes('default', destination))).toBe(false)
  },
)

test('a node with IPv6 leaves alone what the machine has routes to in either family', () => {
  const { ipv6 } = networksOf(0, true)
  const own = ['fd00::/64', 'fe80::/64', 'ff00::/8', '::1', '192.0.2.0/24']
  expect(areFree(networksOf(0, true), routes('default', ...own))).toBe(true)
  for (const destination of [ipv6?.pods, ipv6?.services, ipv6?.inner, '10.200.0.0/24']) {
    expect(areFree(networksOf(0, true), routes(...own, destination ?? ''))).toBe(false)
    expect(areFree(networksOf(15, true), routes(...own, destination ?? ''))).toBe(true)
  }
})
