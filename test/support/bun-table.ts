/** One thing Bun cannot do yet: the wire test it fails, by file below `test/wire` and name, and why. */
export interface BunExcuse {
  readonly file: string
  readonly test: string
  readonly reason: string
}

/**
 * The only wire tests a run with `ENGINE_RUNTIME=bun` skips. A row goes as soon as Bun passes its test; the same rows
 * stand in the README.
 */
export const BUN_TABLE: readonly BunExcuse[] = [
  {
    file: 'workers-share-the-ports-and-every-limit.test.ts',
    test: 'a ticket of one worker resumes at every other',
    reason: 'its tls.Server ignores the option ticketKeys',
  },
  ...[
    'tickets survive another certificate',
    'tickets survive a restart with --ticket-keys, and with nothing else',
    'the newest key encrypts, older ones decrypt until they go',
  ].map((test) => ({
    file: 'session-tickets-survive-changes-and-restarts.test.ts',
    test,
    reason: 'its tls.Server ignores the option ticketKeys',
  })),
  ...[
    'when descriptors run out all the same (EMFILE) it serves who is inside, rests, and recovers',
    'when the files of the system run out (ENFILE) it serves who is inside, turns the others away, and recovers',
  ].map((test) => ({
    ...{ file: 'an-engine-without-descriptors-recovers.test.ts', test },
    reason: 'its accept loop has no spare descriptor: with none left it turns in circles until one is free',
  })),
  {
    file: 'a-listener-keeps-its-own-backlog.test.ts',
    test: 'each listener keeps as many clients waiting as its listenBacklog says',
    reason: 'its net.Server ignores the option backlog and always listens with 512',
  },
  {
    file: 'a-security-level-is-what-clients-see.test.ts',
    test: 'Backward takes the suites of Intermediate, CBC with SHA-2, and RSA key exchange',
    reason: 'BoringSSL has no CBC suites with SHA-384, and of those with SHA-256 only ECDHE with AES-128',
  },
  {
    file: 'a-security-level-is-what-clients-see.test.ts',
    test: 'High192 takes AES-256-GCM and ChaCha20 alone',
    reason: 'BoringSSL always offers its three suites of TLS 1.3',
  },
  {
    file: 'a-host-overrides-its-level-for-itself-alone.test.ts',
    test: 'ciphers of TLS 1.3 replace those of the level, and leave TLS 1.2 as it is',
    reason: 'BoringSSL always offers its three suites of TLS 1.3',
  },
  {
    file: 'a-host-overrides-its-level-for-itself-alone.test.ts',
    test: 'ciphers may name suites that no level has: DHE',
    reason: 'BoringSSL has no finite-field groups and no DHE suites',
  },
  {
    file: 'a-host-overrides-its-level-for-itself-alone.test.ts',
    test: 'groups may name those that no level has',
    reason: 'BoringSSL has neither X448 nor hybrids of ML-KEM with NIST curves',
  },
  {
    file: 'a-defect-costs-one-client-alone.test.ts',
    test: 'an exception in a promise that nobody awaits closes its client',
    reason: 'its event unhandledRejection comes outside of the async context of the promise',
  },
]

/** Why Bun is excused from this test; undefined when it is not. */
export function bunExcuse(file: string, test: string): string | undefined {
  return BUN_TABLE.find((row) => row.file === file && row.test === test)?.reason
}
