import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { BUN_TABLE } from '../support/bun-table.ts'

const wire = join(import.meta.dirname, '../wire')

test('every row of the table of what Bun cannot do names a wire test that exists, and a reason', () => {
  const wrong = BUN_TABLE.filter(({ file, test: name, reason }) => {
    const path = join(wire, file)
    return reason === '' || !existsSync(path) || !readFileSync(path, 'utf8').includes(name)
  })
  expect(wrong).toEqual([])
})
