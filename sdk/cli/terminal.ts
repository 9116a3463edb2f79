import { closeSync, openSync, readSync, statSync } from 'node:fs'

/** What a command sees of the process around it. */
export interface Terminal {
  /** True when a person reads the standard output. */
  readonly isRead: boolean
  readonly env: NodeJS.ProcessEnv
  readonly bold: (text: string) => string
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  /** Runs work, and says on the standard error that it goes on when it takes more than a second. */
  readonly during: <value>(what: string, work: () => Promise<value>) => Promise<value>
  /** Says a line on the standard error before the answer is there. */
  readonly tell: (line: string) => void
  /** Asks a person without echo; nothing when none is there to be asked. */
  readonly secret: (question: string) => Promise<string | undefined>
  /** Asks a person whether to go on; nothing when none is there to be asked. */
  readonly agrees: (question: string) => Promise<boolean | undefined>
  /** The bytes of a file, of the standard input for `-`, or why there are none. */
  readonly read: (path: string, bytesMax: number) => Uint8Array | { readonly fault: string }
}

/** How long work may take before anything is said of it. */
const quietMs = 1_000
const standardInput = 0
const chunkBytes = 65_536

/** The terminal of this process. No colours unless a person reads, nor when NO_COLOR says so (no-color.org). */
export function openTerminal(): Terminal {
  const { env, stdout } = process
  const isRead = stdout.isTTY === true
  const isColoured = isRead && !env.NO_COLOR && env.TERM !== 'dumb'
  const paint = (code: number) => (text: string) => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text)
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  return { isRead, env, bold: paint(1), good: paint(32), bad: paint(31), during, tell, secret, agrees, read }
}

async function during<value>(what: string, work: () => Promise<value>): Promise<value> {
  const { stderr } = process
  let isSaid = false
  const tell = () => {
    // A person sees a point a second; a log, one line.
    if (!isSaid) stderr.write(stderr.isTTY ? `${what} .` : `${what} ...\n`)
    else if (stderr.isTTY) stderr.write('.')
    isSaid = true
  }
  const timer = setInterval(tell, quietMs)
  try {
    return await work()
  } finally {
    clearInterval(timer)
    if (isSaid && stderr.isTTY) stderr.write('\n')
  }
}

function secret(question: string): Promise<string | undefined> {
  return answered(question, () => undefined)
}

async function agrees(question: string): Promise<boolean | undefined> {
  const line = await answered(question, (letter) => void process.stderr.write(letter))
  return line === undefined ? undefined : /^y(?:es)?$/i.test(line.trim())
}

async function answered(question: string, echo: (letter: string) => void): Promise<string | undefined> {
  const { stdin, stderr } = process
  if (!stdin.isTTY) return undefined
  // Raw before anything is asked: a quick answer would be echoed else.
  stdin.setRawMode(true).setEncoding('utf8').resume()
  stderr.write(question)
  try {
    return await typed(stdin, echo)
  } finally {
    stdin.setRawMode(false).pause()
    stderr.write('\n')
  }
}

/** One line of raw input. Ctrl-C ends the program, as it does everywhere else. */
function typed(stdin: NodeJS.ReadStream, echo: (letter: string) => void): Promise<string | undefined> {
  return new Promise((resolve) => {
    let line = ''
    const end = (value: string | undefined) => {
      stdin.off('data', take)
      resolve(value)
    }
    const take = (text: string) => {
      for (const letter of text) {
        if (letter === '\u0003') process.kill(process.pid, 'SIGINT')
        else if (letter === '\r' || letter === '\n') return end(line)
        else if (letter === '\u0004') return end(line === '' ? undefined : line)
        else if (letter === '\u007f' || letter === '\b') {
          if (line !== '') echo('\b \b')
          line = [...line].slice(0, -1).join('')
        } else {
          line += letter
          echo(letter)
        }
      }
    }
    stdin.on('data', take)
    stdin.once('end', () => end(undefined))
  })
}

function read(path: string, bytesMax: number): Uint8Array | { readonly fault: string } {
  const name = path === '-' ? 'the standard input' : `'${path}'`
  try {
    const descriptor = path === '-' ? standardInput : openSync(path, 'r')
    try {
      if (path !== '-' && statSync(path).isDirectory()) return { fault: `${name} is a folder` }
      return readAll(descriptor, bytesMax) ?? { fault: `${name} is larger than ${bytesMax} bytes` }
    } finally {
      if (path !== '-') closeSync(descriptor)
    }
  } catch (error) {
    return { fault: `${name} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})` }
  }
}

/** All bytes up to the end, or nothing when there are more than `bytesMax`. */
function readAll(descriptor: number, bytesMax: number): Uint8Array | undefined {
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const chunk = new Uint8Array(chunkBytes)
    const count = readOnce(descriptor, chunk)
    if (count === 0) return new Uint8Array(Buffer.concat(chunks))
    size += count
    if (size > bytesMax) return undefined
    chunks.push(chunk.subarray(0, count))
  }
}

function readOnce(descriptor: number, chunk: Uint8Array): number {
  for (;;) {
    try {
      return readSync(descriptor, chunk)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EOF') return 0 // Windows, at the end of a pipe.
      if (code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10) // A pipe that has nothing yet.
    }
  }
}
