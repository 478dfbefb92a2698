import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { ownedEvents } from '../../../../sidecar/base/owned-events.ts'

interface Owner {
  readonly name: string
}

describe.each([
  ['V8', true],
  ['JavaScriptCore', false],
])('as on %s', (_engine, isV8) => {
  test('listeners serve many emitters, each for its own owner', () => {
    const heard: string[] = []
    const listen = ownedEvents<Owner>(() => {}, isV8).listeners({
      data: (owner, text: string) => heard.push(`${owner.name} ${text}`),
      end: (owner) => heard.push(`${owner.name} ends`),
    })
    const emitters = ['one', 'two'].map((name) => {
      const emitter = new EventEmitter()
      listen(emitter, { name })
      return emitter
    })
    emitters[1]?.emit('data', 'a')
    emitters[0]?.emit('data', 'b')
    emitters[0]?.emit('end')
    expect(heard).toEqual(['two a', 'one b', 'one ends'])
  })

  test('what a listener throws is told to its owner and to nobody else', () => {
    const failures: string[] = []
    const { listeners } = ownedEvents<Owner>((owner, error) => failures.push(`${owner.name}: ${error}`), isV8)
    const emitter = new EventEmitter()
    const listen = listeners({
      end: () => {
        throw new Error('boom')
      },
    })
    listen(emitter, { name: 'one' })
    expect(emitter.emit('end')).toBe(true)
    expect(failures).toEqual(['one: Error: boom'])
  })

  test('two kinds of owners do not see each other on one emitter', () => {
    const heard: string[] = []
    const [first, second] = [ownedEvents<Owner>(() => {}, isV8), ownedEvents<Owner>(() => {}, isV8)]
    const emitter = new EventEmitter()
    first.listeners({ end: (owner) => heard.push(owner.name) })(emitter, { name: 'first' })
    emitter.emit('end')
    second.listeners({ end: (owner) => heard.push(owner.name) })(emitter, { name: 'second' })
    emitter.emit('end')
    expect(heard).toEqual(['first', 'first', 'second'])
  })

  test('what a guarded callback throws is told to the owner that it was given', () => {
    const failures: string[] = []
    const { guarded } = ownedEvents<Owner>((owner, error) => failures.push(`${owner.name}: ${error}`), isV8)
    const fail = guarded<string>((_owner, text) => {
      throw new Error(text)
    })
    fail({ name: 'one' }, 'boom')
    expect(failures).toEqual(['one: Error: boom'])
  })
})
