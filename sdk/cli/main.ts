#!/usr/bin/env node
import { run } from './run.ts'

// A reader that has seen enough, `head` say, is no failure.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 3)
  })

run(process.argv.slice(2)).then(({ code, stdout, stderr }) => {
  process.exitCode = code
  process.stdout.write(stdout)
  process.stderr.write(stderr)
})
