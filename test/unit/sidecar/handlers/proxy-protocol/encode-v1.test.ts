import { expect, test } from 'vitest'
import { encodeProxyV1 } from '../../../../../sidecar/handlers/proxy-protocol/encode-v1.ts'
import { proxiedClient } from './proxied-client.ts'

test.each([
  [{}, 'PROXY TCP4 192.0.2.1 198.51.100.2 8080 443\r\n'],
  [{ peerAddress: '2001:db8:0:0::1', localAddress: '2001:DB8::2' }, 'PROXY TCP6 2001:db8::1 2001:db8::2 8080 443\r\n'],
  [{ peerAddress: 'fe80::1%eth0', localAddress: 'fe80::2%eth0' }, 'PROXY TCP6 fe80::1 fe80::2 8080 443\r\n'],
  [{ localAddress: '2001:db8::2' }, 'PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 8080 443\r\n'],
  [{ peerAddress: '2001:db8::2' }, 'PROXY TCP6 2001:db8::2 ::ffff:198.51.100.2 8080 443\r\n'],
  [{ peerAddress: '' }, 'PROXY UNKNOWN\r\n'],
  [{ localAddress: '' }, 'PROXY UNKNOWN\r\n'],
])('%j is written as %j', (changes, line) => {
  expect(encodeProxyV1(proxiedClient(changes)).toString('latin1')).toBe(line)
})
