import { expect, test } from 'vitest'
import { freeNetworks, networksOf } from '../../../support/node/networks.ts'

const routes = (...destinations: string[]) => destinations.map((dst) => ({ dst }))

test('a machine with a default route and networks of its own has room for a node', () => {
  expect(freeNetworks(routes('default', '192.0.2.0/24', '127.0.0.0/8'))).toContainEqual(networksOf(0))
})

test.for([
  ['the pods of the first node', '10.200.0.0/24'],
  ['a Service of the first node', '10.201.0.7'],
  ['a part of the wire to the first node', '10.202.0.0/31'],
])('a route to %s leaves the others', ([, destination]) => {
  const free = freeNetworks(routes('default', destination as string))
  expect(free).not.toContainEqual(networksOf(0))
  expect(free).toContainEqual(networksOf(1))
})

test.for([['10.0.0.0/8'], ['10.200.0.0/13'], ['0.0.0.0/1']])('a route to %s leaves no room', ([destination]) => {
  expect(freeNetworks(routes('default', destination as string))).toEqual([])
})
