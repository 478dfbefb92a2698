import { systemClock } from '../base/clock.ts'
import { printable } from '../control/log-line.ts'
import { certificateLines, gradeExitCode, gradeSummary, messageLines } from './certificate-lines.ts'
import type { Command } from './command.ts'
import { CONTROL_OPTION, withEngine } from './control-option.ts'
import { OUTPUT_OPTION, readOutput, writeAnswer } from './output-option.ts'

/** `socketserver recheck`. */
export const recheckCommand: Command = {
  name: 'recheck',
  summary: 'let a running engine look at every certificate again, and tell what changed',
  usage: 'recheck [options]',
  details: [
    'Waits until what was found is in service. Exit code 1 when a host is graded Fail, or lacks the certificate it needs.',
  ],
  options: { output: OUTPUT_OPTION, control: CONTROL_OPTION },
  maxPositionals: 0,
  run: (given, terminal) => {
    const output = readOutput(given)
    return withEngine(given, async (engine) => {
      const report = await engine.recheck()
      writeAnswer(terminal, output, report, (isWide) => {
        const { hosts, changes } = report
        const told = changes.map(({ hostTag, what }) => `${hostTag}: ${printable(what)}`)
        return [
          ...(told.length === 0 ? ['Nothing changed.'] : told),
          `Checked ${gradeSummary(hosts)}.`,
          ...(isWide
            ? ['', ...certificateLines(hosts, { isWide, paint: terminal.paint }, systemClock.now())]
            : messageLines(hosts, terminal.paint)),
        ]
      })
      return gradeExitCode(report.hosts)
    })
  },
}
