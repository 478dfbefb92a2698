import { systemClock } from '../base/clock.ts'
import { certificateLines, gradeExitCode } from './certificate-lines.ts'
import type { Command } from './command.ts'
import { CONTROL_OPTION, withEngine } from './control-option.ts'
import { OUTPUT_OPTION, readOutput, writeAnswer } from './output-option.ts'

/** `socketserver certs`. */
export const certsCommand: Command = {
  name: 'certs',
  summary: 'tell expiry, grade, messages and chain of the certificates that a running engine serves',
  usage: 'certs [options]',
  details: ['Exit code 1 when a host is graded Fail, or lacks the certificate it needs.'],
  options: { output: OUTPUT_OPTION, control: CONTROL_OPTION },
  maxPositionals: 0,
  run: (given, terminal) => {
    const output = readOutput(given)
    return withEngine(given, async (engine) => {
      const report = await engine.certs()
      writeAnswer(terminal, output, report, (isWide) =>
        certificateLines(report.hosts, { isWide, paint: terminal.paint }, systemClock.now()),
      )
      return gradeExitCode(report.hosts)
    })
  },
}
