import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { type OwnerProperty, ownedEvents } from '../../../../sidecar/base/owned-events.ts'

interface Owner {
  readonly name: string
}

function property(): OwnerProperty<Owner> {
  const key = Symbol('owner')
  type Owned = { [key]?: Owner | undefined }
  return {
    get: (emitter: Owned) => emitter[key],
    set: (emitter: Owned, owner) => {
      emitter[key] = owner
    },
  }
}

test('one listener serves many emitters, each for its own owner', () => {
  const heard: string[] = []
  const { own, listener } = ownedEvents<Owner>(property(), () => {})
  const onData = listener<string>((owner, text) => heard.push(`${owner.name} ${text}`))
  const emitters = ['one', 'two'].map((name) => {
    const emitter = new EventEmitter()
    own(emitter, { name })
    return emitter.on('data', onData)
  })
  emitters[1]?.emit('data', 'a')
  emitters[0]?.emit('data', 'b')
  emitters[0]?.off('data', onData).emit('data', 'c')
  expect(heard).toEqual(['two a', 'one b'])
})

test('what a listener throws is told to its owner and to nobody else', () => {
  const failures: string[] = []
  const { own, listener } = ownedEvents<Owner>(property(), (owner, error) => failures.push(`${owner.name}: ${error}`))
  const emitter = new EventEmitter()
  own(emitter, { name: 'one' })
  emitter.on(
    'end',
    listener(() => {
      throw new Error('boom')
    }),
  )
  expect(emitter.emit('end')).toBe(true)
  expect(failures).toEqual(['one: Error: boom'])
})

test('two kinds of owners do not see each other on one emitter, and an emitter of nobody is left alone', () => {
  const heard: string[] = []
  const [first, second] = [ownedEvents<Owner>(property(), () => {}), ownedEvents<Owner>(property(), () => {})]
  const emitter = new EventEmitter()
  first.own(emitter, { name: 'first' })
  emitter.on(
    'end',
    first.listener((owner) => heard.push(owner.name)),
  )
  emitter.on(
    'end',
    second.listener((owner) => heard.push(owner.name)),
  )
  emitter.emit('end')
  second.own(emitter, { name: 'second' })
  emitter.emit('end')
  expect(heard).toEqual(['first', 'first', 'second'])
})

test('what a guarded callback throws is told to the owner that it was given', () => {
  const failures: string[] = []
  const { guarded } = ownedEvents<Owner>(property(), (owner, error) => failures.push(`${owner.name}: ${error}`))
  const fail = guarded<string>((_owner, text) => {
    throw new Error(text)
  })
  fail({ name: 'one' }, 'boom')
  expect(failures).toEqual(['one: Error: boom'])
})
