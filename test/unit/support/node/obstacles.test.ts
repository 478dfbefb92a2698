import { expect, test } from 'vitest'
import { nodeObstacles } from '../../../support/node/obstacles.ts'

const NOWHERE = { PATH: '/nowhere' }

test('on another system a node is refused, and a cluster of somebody’s own is the cure', () => {
  expect(nodeObstacles({ platform: 'darwin', uid: 501 }, NOWHERE)).toEqual([
    'a node needs Linux, and this is darwin: set KUBECONFIG to a cluster',
  ])
})

test('whoever is not root is told so, and which Debian packages are missing', () => {
  const [root, packages, ...rest] = nodeObstacles({ platform: 'linux', uid: 1000 }, NOWHERE)
  expect(root).toBe('a node needs root, and this is user 1000: run it as root, or set KUBECONFIG')
  expect(packages).toMatch(/^there is no containerd, containerd-shim-runc-v2, ctr, runc, iptables, /)
  expect(packages).toMatch(
    /"apt-get install --no-install-recommends containerd runc iptables iproute2 util-linux mount/,
  )
  expect(rest).toEqual([])
})
