import { SocketServerError } from '../base/errors.ts'
import { type Arguments, type Command, usageError } from './command.ts'

/** Where the engine answers unless told otherwise, and where the operator does. */
const PLACES = ['127.0.0.1:8900', '127.0.0.1:8910']
const ANSWER_MS = 2000

/** A name or an address, in brackets where it is IPv6, and a port. */
const PLACE = /^(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+):[0-9]{1,5}$/i

const urlOf = (place: string, path: string): string => {
  const url = `http://${place}${path}`
  if (PLACE.test(place) && URL.canParse(url)) return url
  throw usageError(
    `"${place}" is not of the form ADDRESS:PORT`,
    'give --admin the address or name, and the port, of an engine or operator: 127.0.0.1:8900',
  )
}

/** Status and text of the first that answers; undefined when nobody does. */
const ask = async (
  urls: readonly string[],
): Promise<{ readonly isGood: boolean; readonly text: string } | undefined> => {
  for (const url of urls) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS), redirect: 'error' })
      return { isGood: response.status === 200, text: await response.text() }
    } catch {}
  }
  return undefined
}

const placesOf = (given: Arguments): readonly string[] => {
  const value = given.string('admin')
  return value === undefined ? PLACES : [value]
}

/** `socketserver health`: for containers that hold no other program to ask with. */
export const healthCommand: Command = {
  name: 'health',
  summary: 'tell whether an engine or operator is alive, or ready',
  usage: 'health [options]',
  details: ['Exit code 0 when it is, 1 when it says no, 2 when nobody answers.'],
  options: {
    admin: {
      type: 'string',
      value: 'ADDRESS:PORT',
      help: `its --admin or --probes, or a name that leads there (${PLACES.join(', else ')})`,
    },
    ready: {
      type: 'boolean',
      help: 'whether clients may be sent there (/readyz), instead of whether it lives (/livez)',
    },
  },
  maxPositionals: 0,
  async run(given, terminal) {
    const places = placesOf(given)
    const path = given.flag('ready') ? '/readyz' : '/livez'
    const answer = await ask(places.map((place) => urlOf(place, path)))
    if (answer === undefined) {
      throw new SocketServerError('SS_ENGINE_UNREACHABLE', `nobody answers at ${places.join(' or ')}`, {
        hint: 'give by --admin the ADDRESS:PORT that the engine was started with by --admin, or the operator by --probes',
      })
    }
    terminal.out(answer.text)
    return answer.isGood ? 0 : 1
  },
}
