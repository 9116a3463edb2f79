/** One line of progress: redrawn in place on a terminal, a line each quarter elsewhere. */
export interface Progress {
  /** `done` of `total`; never goes back. */
  readonly advance: (done: number, remark?: string) => void
  readonly finish: (remark: string) => void
}

const barWidth = 24

/**
 * Shows how far something has come, on standard error, so that standard output stays a program's answer.
 *
 * @param title - What is going on, in a few words.
 * @param total - How many steps there are.
 */
export function progress(title: string, total: number): Progress {
  const { stderr } = process
  const label = title.padEnd(34)
  let shown = -1
  const draw = (done: number, remark: string) => {
    const filled = Math.round((done / total) * barWidth)
    const bar = `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}`
    return `${label} ${bar} ${String(done).padStart(String(total).length)}/${total} ${remark}`
  }
  return {
    advance: (done, remark = '') => {
      if (stderr.isTTY) stderr.write(`\r\x1b[2K${draw(done, remark).slice(0, (stderr.columns ?? 120) - 1)}`)
      else if (Math.floor((4 * done) / total) > Math.floor((4 * shown) / total) && done < total)
        stderr.write(`${draw(done, remark).trimEnd()}\n`)
      shown = Math.max(shown, done)
    },
    finish: (remark) => stderr.write(`${stderr.isTTY ? '\r\x1b[2K' : ''}${draw(total, remark)}\n`),
  }
}

/** Rows of a name and a value, aligned. */
export function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `  ${name.padEnd(width)}   ${value}`).join('\n')
}
