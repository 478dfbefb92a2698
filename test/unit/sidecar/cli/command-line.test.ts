import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { COMMANDS } from '../../../../sidecar/cli/commands.ts'
import { runCommand } from '../../../support/command.ts'

describe('the command line', { timeout: 30_000 }, () => {
  test.each([[[]], [['--help']], [['-h']], [['help']]])('%j lists the commands', async (args) => {
    const { code, stdout, stderr } = await runCommand(args)
    expect([code, stderr]).toEqual([0, ''])
    for (const { name } of COMMANDS) {
      expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
    }
  })

  test.each([['version'], ['--version'], ['-v']])('%s tells version and runtime', async (word) => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }
    const { code, stdout } = await runCommand([word])
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^socketserver ${version.replaceAll('.', '\\.')} \\((node|bun) `))
  })

  test.each(COMMANDS.map(({ name }) => name))('%s --help tells every option and the exit codes', async (name) => {
    const [asked, flagged] = await Promise.all([runCommand(['help', name]), runCommand([name, '--help'])])
    expect([asked.code, flagged.code]).toEqual([0, 0])
    expect(flagged.stdout).toBe(asked.stdout)
    expect(flagged.stdout).toContain(`Usage: socketserver ${name}`)
    expect(flagged.stdout).toContain('Exit codes: 0 good')
  })

  test.each([
    [['serv'], 'there is no command "serv"', 'did you mean "serve"?'],
    [['help', 'validte'], 'there is no command "validte"', 'did you mean "validate"?'],
    [['serve', '--self-singed'], '"serve" has no option "--self-singed"', 'did you mean "--self-signed"?'],
    [['serve', '-x'], '"serve" has no option "-x"', '"socketserver serve --help" lists the options'],
    [['serve'], '"serve" needs a manifest', 'give it by -f FILE'],
    [['serve', '-f'], 'the option "-f" has no value', '--help'],
    [['serve', '-f', ''], '"serve" needs a manifest', 'give it by -f FILE'],
    [['serve', 'edge.yaml'], '"serve" does not take the word "edge.yaml"', 'give a file by -f FILE'],
    [['serve', '--self-signed=yes', '-f', 'x'], 'the option "--self-signed" takes no value', '--help'],
    [['serve', '-f', 'x', '--log', 'jsn'], 'the log format "jsn" is not known', 'did you mean "json"?'],
    [
      ['serve', '-f', 'x', '--admin', '8900'],
      'the admin address "8900" is not of the form ADDRESS:PORT',
      '127.0.0.1:8900',
    ],
    [['serve', '-f', 'x', '--admin', '127.0.0.1:99999'], 'has a port above 65535', '127.0.0.1:8900'],
    [['serve', '-f', 'x', '--admin', 'example.com:80'], 'does not begin with an IP address', '127.0.0.1:8900'],
    [['serve', '-f', 'x', '--admin', '[127.0.0.1]:80'], 'does not begin with an IP address', '[::1]:8900'],
    [['states', '-o', 'jsn'], 'the output "jsn" is not known', 'did you mean "json"?'],
    [['states', 'all'], '"states" does not take the word "all"', '--help'],
    [['clients', '--sort', 'agee'], 'clients cannot be sorted by "agee"', 'did you mean "age"?'],
    [['clients', '-w', '-o', 'json'], '-o json cannot be watched', 'leave out --watch'],
    [['clients', '--interval', '0'], '"0", given by --interval, is not a number of seconds', '0.1 to 3600'],
    [['disconnect'], '"disconnect" needs the id of a client', 'socketserver clients'],
    [['top', '-o', 'wide'], '"top" has no more columns', 'leave out -o wide'],
    [['serve', '-f', 'x', '--control', ''], 'the option "--control" has no value', 'give the path of a UNIX socket'],
    [['validate'], '"validate" needs a manifest', 'validate -f FILE'],
    [['validate', '-o', 'xml', 'x'], 'the output "xml" is not known', '-o json'],
    [['explain', 'spec.listners'], 'there is no field "spec.listners"', 'did you mean spec.listeners'],
    [['explain', 'a', 'b'], '"explain" does not take the word "b"', '--help'],
    [['quickstart', '--port', '0'], 'the port "0" given by --port is not a number from 1 to 65535', 'give --port'],
  ])('%j is wrong usage: exit code 2, with cause and cure', async (args, cause, cure) => {
    const { code, stdout, stderr } = await runCommand(args)
    expect([code, stdout]).toEqual([2, ''])
    const [first, second] = stderr.split('\n')
    expect(first).toMatch(/^Cannot run the command: /)
    expect(first).toContain(cause)
    expect(second).toMatch(/^hint: /)
    expect(second).toContain(cure)
  })

  test('what a person typed cannot steer the terminal that shows the message', async () => {
    const { stderr } = await runCommand(['\u001b[2Jserve\nCannot'])
    expect(stderr).not.toContain('\u001b')
    expect(stderr.split('\n').length).toBe(3)
  })
})

describe('explain', { timeout: 30_000 }, () => {
  test('tells what a field means, its type, default and bounds', async () => {
    const { code, stdout } = await runCommand(['explain', 'spec.listeners.port'])
    expect(code).toBe(0)
    expect(stdout).toContain('spec.listeners[].port  <integer>')
    expect(stdout).toContain('Bounds: 1 to 65535')
    expect(stdout).toContain('Required: yes')
  })

  test('lists the fields below one, and all of them', async () => {
    expect((await runCommand(['explain', 'icsHosts'])).stdout).toMatch(/^ {2}securityLevel {2}<string>$/m)
    const { stdout } = await runCommand(['explain', '--list'])
    expect(stdout).toMatch(/^spec\.icsHosts\[\]\.handler {2}<object> required$/m)
    expect(stdout.split('\n').length).toBeGreaterThan(50)
  })
})
