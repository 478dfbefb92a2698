import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runCommand } from '../../../support/command.ts'
import { host, listener, type Part, socketServer } from '../../../support/manifest.ts'
import { createWorkspace, type Workspace } from '../../../support/workspace.ts'

const manifest = (name: string, changes: Part = {}) =>
  JSON.stringify(
    socketServer({ metadata: { name }, listeners: [listener({ port: 8443 })], icsHosts: [host()], ...changes }),
  )
const BAD = manifest('bad', { listners: [], bindPolicy: 'Sometimes' })
const OTHER = 'apiVersion: v1\nkind: Service\nmetadata: { name: web }\n'

let workspace: Workspace
beforeEach(async () => {
  workspace = await createWorkspace()
})
afterEach(() => workspace[Symbol.asyncDispose]())
const validate = (...args: string[]) => runCommand(['validate', ...args], { cwd: workspace.path })

describe('validate', () => {
  test('a good manifest: one line, exit code 0', async () => {
    await workspace.write('a.yaml', manifest('edge'))
    const { code, stdout, stderr } = await validate('-f', 'a.yaml')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe('a.yaml: SocketServer "edge" is valid\n1 manifest, 0 with problems\n')
  })

  test('a bad manifest: every problem with path, value and cure, exit code 1', async () => {
    await workspace.write('a.yaml', BAD)
    const { code, stdout } = await validate('-f', 'a.yaml')
    expect(code).toBe(1)
    expect(stdout).toContain('a.yaml: SocketServer "bad" has 2 problems')
    expect(stdout).toMatch(/spec\.listners: "listners" is not a field of spec\n +hint: /)
    expect(stdout).toMatch(/spec\.bindPolicy: .*"Sometimes".*\n +hint: /)
    expect(stdout).toContain('1 manifest, 1 with problems')
  })

  test('several files, directories with all below them, and standard input, in one run', async () => {
    await workspace.write('one.yml', manifest('one'))
    await workspace.write('dir/two.json', manifest('two'))
    await workspace.write('dir/deep/three.yaml', `${manifest('three')}\n---\n${OTHER}---\n${manifest('four')}`)
    await workspace.write('dir/service.yaml', OTHER)
    await workspace.write('dir/notes.txt', 'not a manifest')
    const { code, stdout, stderr } = await runCommand(['validate', '-f', 'one.yml', 'dir', '-'], {
      cwd: workspace.path,
      input: manifest('five'),
    })
    expect([code, stderr]).toEqual([0, ''])
    expect([...stdout.matchAll(/SocketServer "(\w+)" is valid/g)].map(([, name]) => name)).toEqual([
      'one',
      'three',
      'four',
      'two',
      'five',
    ])
    expect(stdout).toContain('5 manifests, 0 with problems')
  })

  test('a mounted ConfigMap is read once, and a circle of links ends', async () => {
    await workspace.copyConfigMap('edge/..2026_01_01', { 'edge.yaml': manifest('edge') })
    const directory = join(workspace.configMaps, 'edge')
    await symlink('..2026_01_01', join(directory, '..data'))
    await symlink('..data/edge.yaml', join(directory, 'edge.yaml'))
    await symlink('..', join(directory, 'circle'))
    const { code, stdout } = await validate(directory)
    expect(code).toBe(0)
    expect(stdout).toContain('1 manifest, 0 with problems')
  })

  test('an input that cannot be read does not hide the others: exit code 2', async () => {
    await workspace.write('bad.yaml', BAD)
    await workspace.write('empty/.keep', '')
    const { code, stdout, stderr } = await validate('missing.yaml', 'bad.yaml', 'empty')
    expect(code).toBe(2)
    expect(stdout).toContain('"bad" has 2 problems')
    expect(stdout).toContain('1 manifest, 1 with problems, 2 unreadable')
    expect(stderr).toContain('"missing.yaml" does not exist\nhint: ')
    expect(stderr).toContain('the directory "empty" has no .yaml, .yml or .json file\nhint: ')
  })

  test('a file given by name must hold a SocketServer', async () => {
    await workspace.write('service.yaml', OTHER)
    const { code, stdout } = await validate('service.yaml')
    expect(code).toBe(1)
    expect(stdout).toContain('holds no SocketServer')
    expect(stdout).toContain('"Service"')
  })

  test('-o json tells the same to programs', async () => {
    await workspace.write('good.yaml', manifest('good'))
    await workspace.write('bad.yaml', BAD)
    const { code, stdout } = await validate('-o', 'json', 'good.yaml', 'bad.yaml', 'missing.yaml')
    expect(code).toBe(2)
    const report = JSON.parse(stdout)
    expect(report.summary).toEqual({ manifests: 2, invalid: 1, unreadable: 1 })
    expect(report.manifests).toMatchObject([
      { file: 'good.yaml', name: 'good', namespace: '', valid: true, problems: [], warnings: [] },
      { file: 'bad.yaml', name: 'bad', valid: false },
    ])
    for (const problem of report.manifests[1].problems) {
      expect(Object.keys(problem).sort()).toEqual(['cure', 'message', 'path', 'rule', 'value'])
    }
    expect(report.unreadable).toMatchObject([{ file: 'missing.yaml' }])
  })

  test('warnings are shown and are no problem', async () => {
    const unused = [listener({ port: 8443 }), listener({ name: 'unused', port: 8444 })]
    await workspace.write('a.yaml', manifest('edge', { listeners: unused, icsHosts: [host({ listeners: ['tls'] })] }))
    const { code, stdout } = await validate('a.yaml')
    expect(code).toBe(0)
    expect(stdout).toMatch(/is valid, 1 warning\n +warning: spec\.listeners\[1\]/)
  })
})
