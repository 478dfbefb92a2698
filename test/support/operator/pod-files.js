// Loaded into an operator before anything else (`node --import`): gives the process the service account that the kubelet mounts
// into a pod, from the directory TEST_SERVICE_ACCOUNT, so that it reaches the API server as it does in a cluster.
// JavaScript, so that a process that strips no types does not begin to.
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

const MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount/'
const directory = process.env['TEST_SERVICE_ACCOUNT']
const { readFile } = promises

if (directory !== undefined) {
  promises.readFile = (path, ...rest) => {
    const isMounted = typeof path === 'string' && path.startsWith(MOUNT)
    return readFile(isMounted ? `${directory}/${path.slice(MOUNT.length)}` : path, ...rest)
  }
  syncBuiltinESMExports()
}
