import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const bringMsMax = 120_000

/** A bitcoind to judge by, or why there is none. */
export type FoundBitcoind = { readonly binary: string } | { readonly binary: null; readonly reason: string }

/** Looks for a real bitcoind: BITCOIND, then the PATH, then what test/bitcoind.sh brings from Debian's packages. */
export function findBitcoind(): FoundBitcoind {
  const { BITCOIND, PATH = '' } = process.env
  if (BITCOIND) return { binary: BITCOIND }
  const onPath = PATH.split(delimiter)
    .map((folder) => join(folder, 'bitcoind'))
    .find((path) => existsSync(path))
  if (onPath) return { binary: onPath }
  try {
    const script = join(import.meta.dirname, 'bitcoind.sh')
    return {
      binary: execFileSync(script, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: bringMsMax }).trim(),
    }
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    return { binary: null, reason: said || 'test/bitcoind.sh does not run here' }
  }
}
