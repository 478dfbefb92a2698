import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { optionsOf } from '../../../../sidecar/cli/command.ts'
import { COMMANDS } from '../../../../sidecar/cli/commands.ts'
import { runCommand } from '../../../support/command.ts'
import { commandLine } from '../../../support/runtime.ts'

const has = (shell: string) => spawnSync(shell, ['--version']).error === undefined
const names = COMMANDS.map(({ name }) => name)

let directory = ''
const scripts: Record<string, string> = {}
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ss-completion-'))
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await runCommand(['completion', shell])
    expect(code).toBe(0)
    scripts[shell] = join(directory, shell)
    writeFileSync(scripts[shell], stdout)
  }
  writeFileSync(join(directory, 'edge.yaml'), '')
  // What the completion runs to learn ids and fields.
  writeFileSync(join(directory, 'socketserver'), `#!/bin/sh\nexec ${commandLine().join(' ')} "$@"\n`, { mode: 0o755 })
}, 30_000)
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const env = () => ({ ...process.env, PATH: `${directory}:${process.env['PATH']}` })

/** What bash offers for the last of the words. */
const inBash = (...words: string[]): string[] => {
  const script = `source ${scripts['bash']}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _socketserver; printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['--norc', '-c', script, 'bash', 'socketserver', ...words], {
    cwd: directory,
    env: env(),
  })
    .toString()
    .split('\n')
    .filter((line) => line !== '')
}

describe('completion in bash', { timeout: 30_000 }, () => {
  test('offers every command', () => {
    expect(inBash('')).toEqual([...names, '--help', '--version'])
    expect(inBash('cl')).toEqual(['clients'])
  })

  test('offers every option of every command, and no other', () => {
    for (const command of COMMANDS) {
      const options = Object.entries(optionsOf(command)).flatMap(([name, { short }]) => [
        `--${name}`,
        ...(short === undefined ? [] : [`-${short}`]),
      ])
      expect(inBash(command.name, '-').sort()).toEqual(options.sort())
    }
  })

  test.each<[string[], string[]]>([
    [
      ['states', '-o', ''],
      ['text', 'wide', 'json', 'yaml'],
    ],
    [['states', '--output', 'j'], ['json']],
    [['states', '--output', '=', 'y'], ['yaml']],
    [
      ['states', '--output', '='],
      ['text', 'wide', 'json', 'yaml'],
    ],
    [
      ['serve', '--log', ''],
      ['json', 'pretty'],
    ],
    [['serve', '-f', 'ed'], ['edge.yaml']],
    [['validate', 'ed'], ['edge.yaml']],
    [['serve', '--secrets', 'ed'], []],
    [['serve', '--name', ''], []],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['help', 'dr'], ['drain']],
    [
      ['explain', 'spec.maxC'],
      ['spec.maxClients', 'spec.maxClientsPerSource'],
    ],
    [['nonsense', ''], []],
  ])('for %j offers %j', (words, offered) => expect(inBash(...words)).toEqual(offered))
})

describe('completion in zsh', { timeout: 30_000 }, () => {
  test.runIf(has('zsh'))('is a script that zsh takes', () => {
    execFileSync('zsh', ['-n', scripts['zsh'] ?? ''])
    execFileSync('zsh', [
      '-f',
      '-c',
      `autoload -Uz compinit; compinit -u -D; source ${scripts['zsh']}; whence -w _socketserver`,
    ])
  })

  test('has every command and every option with its help', async () => {
    const { stdout } = await runCommand(['completion', 'zsh'])
    for (const command of COMMANDS) {
      expect(stdout).toContain(`'${command.name}:`)
      for (const name of Object.keys(optionsOf(command))) expect(stdout).toMatch(new RegExp(`--${name}=?\\[`))
    }
  })
})

describe('completion in fish', { timeout: 30_000 }, () => {
  test.runIf(has('fish'))('is a script that fish takes, and offers commands, options and values', () => {
    const inFish = (line: string) =>
      execFileSync('fish', ['--no-config', '-c', `source ${scripts['fish']}; complete -C '${line}'`], { env: env() })
        .toString()
        .split('\n')
        .map((one) => one.split('\t')[0])
    expect(inFish('socketserver cl')).toContain('clients')
    expect(inFish('socketserver clients --so')).toContain('--sort')
    expect(inFish('socketserver states -o j')).toContain('json')
  })

  test('has every command and every option', async () => {
    const { stdout } = await runCommand(['completion', 'fish'])
    for (const command of COMMANDS) {
      expect(stdout).toContain(`__fish_use_subcommand -a ${command.name} `)
      for (const name of Object.keys(optionsOf(command)))
        expect(stdout).toMatch(new RegExp(`__fish_seen_subcommand_from ${command.name}'.* -l ${name} `))
    }
  })
})

test.each([
  [[], '"completion" needs the name of a shell', 'there are bash, zsh, fish'],
  [['bahs'], 'there is no completion for "bahs"', 'did you mean "bash"?'],
])('completion %j is wrong usage', { timeout: 30_000 }, async (args, cause, cure) => {
  const { code, stderr } = await runCommand(['completion', ...args])
  expect(code).toBe(2)
  expect(stderr).toContain(cause)
  expect(stderr).toContain(cure)
})
