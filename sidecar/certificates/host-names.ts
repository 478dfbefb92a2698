/**
 * Whether a name of a certificate covers a host name (RFC 6125, 6.4.3): the same name, or a wildcard as the whole
 * first label for exactly one label. The host name `*.x` is covered by `*.x` alone. Both are lower-case.
 */
export function coversHostName(certificateName: string, hostName: string): boolean {
  if (certificateName === hostName) return true
  if (!certificateName.startsWith('*.') || hostName.startsWith('*.')) return false
  const dot = hostName.indexOf('.')
  return dot > 0 && hostName.slice(dot) === certificateName.slice(1)
}

/** The host names that none of a certificate's names covers. */
export function uncoveredHostNames(certificateNames: readonly string[], hostNames: readonly string[]): string[] {
  return hostNames.filter((hostName) => !certificateNames.some((name) => coversHostName(name, hostName.toLowerCase())))
}
