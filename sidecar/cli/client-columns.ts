import { nearest } from '../../crds/nearest.ts'
import type { ClientReport } from '../control/control-socket/client-report.ts'
import { usageError } from './command.ts'
import { shortBytes, shortDuration } from './quantities.ts'
import type { Column } from './table.ts'

interface ClientColumn extends Column<ClientReport> {
  /** What it is sorted by, when not by its text. */
  readonly value?: (client: ClientReport) => number
}

/** What is told of a client, one column each; `--sort` takes the titles in lower case. */
export const CLIENT_COLUMNS: readonly ClientColumn[] = [
  { title: 'ID', text: ({ clientId }) => clientId },
  { title: 'LISTENER', text: ({ listener }) => listener },
  { title: 'HOST', text: ({ host }) => host },
  { title: 'PEER', text: ({ peer }) => peer },
  { title: 'LOCAL', isWide: true, text: ({ local }) => local },
  {
    title: 'PHASE',
    text: ({ phase }) => phase,
    style: ({ phase }) => (phase === 'serve' ? 'green' : phase === 'close' ? 'dim' : 'yellow'),
  },
  { title: 'AGE', align: 'right', text: ({ ageMs }) => shortDuration(ageMs), value: ({ ageMs }) => ageMs },
  { title: 'IDLE', align: 'right', text: ({ idleMs }) => shortDuration(idleMs), value: ({ idleMs }) => idleMs },
  {
    title: 'RECEIVED',
    align: 'right',
    text: ({ receivedBytes }) => shortBytes(receivedBytes),
    value: ({ receivedBytes }) => receivedBytes,
  },
  {
    title: 'SENT',
    align: 'right',
    text: ({ sentBytes }) => shortBytes(sentBytes),
    value: ({ sentBytes }) => sentBytes,
  },
  { title: 'TLS', text: ({ tlsVersion }) => tlsVersion ?? '' },
  { title: 'CIPHER', isWide: true, text: ({ cipher }) => cipher ?? '' },
  { title: 'GROUP', isWide: true, text: ({ group }) => group ?? '' },
  {
    title: 'RESUMED',
    isWide: true,
    text: ({ resumed }) => (resumed === undefined ? '' : resumed ? 'yes' : 'no'),
  },
  { title: 'ALPN', isWide: true, text: ({ alpn }) => alpn ?? '' },
  { title: 'SERVER-NAME', text: ({ serverName }) => serverName ?? '' },
  { title: 'BACKEND', text: ({ backend }) => backend ?? '' },
  { title: 'CLIENT-SUBJECT', isWide: true, text: ({ clientSubject }) => clientSubject ?? '' },
]

/** Names by which clients may be sorted. */
export const SORT_KEYS: readonly string[] = CLIENT_COLUMNS.map(({ title }) => title.toLowerCase())

type Order = (one: ClientReport, other: ClientReport) => number

// Numbers inside the text count as numbers: 192.0.2.10 comes after 192.0.2.9.
const collator = new Intl.Collator('en', { numeric: true })
/** Ids count upwards in base 36, so the shorter is the older. */
const byId: Order = (one, other) =>
  one.clientId.length - other.clientId.length || (one.clientId < other.clientId ? -1 : 1)

/**
 * The order that `--sort` asks for: names of columns, separated by commas, most important first, each with `-` before
 * it for the largest first. Clients that are equal in all stay as they are.
 *
 * @throws SocketServerError SS_USAGE
 */
export const clientOrder = (text: string): Order => {
  const orders = text.split(',').map((word): Order => {
    const name = word.trim().replace(/^-/, '').toLowerCase()
    const column = CLIENT_COLUMNS[SORT_KEYS.indexOf(name)]
    if (column === undefined) {
      const near = nearest(name, SORT_KEYS)
      throw usageError(
        `clients cannot be sorted by "${word}"`,
        `${near === undefined ? '' : `did you mean "${near}"? `}there are ${SORT_KEYS.join(', ')}`,
      )
    }
    const { value } = column
    const order: Order =
      name === 'id'
        ? byId
        : value === undefined
          ? (one, other) => collator.compare(column.text(one), column.text(other))
          : (one, other) => value(one) - value(other)
    return word.trim().startsWith('-') ? (one, other) => order(other, one) : order
  })
  return (one, other) => {
    for (const order of orders) {
      const sign = order(one, other)
      if (sign !== 0) return sign
    }
    return 0
  }
}
