import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

/** The walls of ARCHITECTURE.md: what each room may import, and its third-party doors. */
const leaves = ['errors', 'units', 'rlp']
const walls: Record<string, readonly string[]> = {
  'sdk/errors': [],
  'sdk/units': ['errors'],
  'sdk/rlp': ['errors'],
  'sdk/ports': ['errors', 'units'],
  'sdk/pause': [],
  'sdk/crypto': ['errors', '@noble/curves', '@noble/hashes', '@scure/base', '@scure/btc-signer/musig2.js'],
  'sdk/keys': ['errors', 'units', 'crypto', '@scure/bip39'],
  'sdk/evm': [...leaves, 'crypto', 'viem'],
  'sdk/trie': [...leaves, 'crypto'],
  'sdk/vm': [...leaves, 'crypto', 'evm', 'trie'],
  'sdk/batch': [...leaves, 'crypto', 'evm'],
  'sdk/bitcoin': ['errors', 'units', 'crypto', 'bitcoinjs-lib', 'coinselect', '@scure/base'],
  'sdk/channel': [...leaves, 'crypto', 'bitcoin'],
  'sdk/till': [...leaves, 'crypto', 'bitcoin', 'channel', 'ports', 'client', 'hono'],
  'sdk/verify': [...leaves, 'crypto', 'evm', 'vm', 'trie'],
  'sdk/client': [...leaves, 'ports', 'pause', 'crypto', 'evm', 'vm', 'bitcoin', 'channel', 'verify'],
  'sdk/wallet': [
    ...leaves,
    ...['ports', 'crypto', 'keys', 'evm', 'trie', 'vm', 'batch', 'bitcoin', 'channel', 'verify', 'client'],
  ],
  'sdk/liar': [],
  'sdk/connect': ['errors', 'units', 'ports', 'evm', 'verify', 'client', 'wallet', 'viem'],
  'sdk/adapters': [...leaves, 'ports', 'pause', 'crypto', 'evm', 'idb-keyval', 'node:'],
  'sdk/index': ['errors', 'units', 'ports', 'evm', 'batch', 'verify', 'wallet'],
  // By the package's public names only, as a program of anybody else.
  'sdk/cli': ['lanekit', 'node:'],
  // The edge shares the relay's vocabulary (ports, types only) and never sees keys or wallet.
  // Examples use the package as its users do: by its public names.
  examples: ['lanekit', 'hono', 'viem', 'ws', 'node:'],
  // Node alone has threads: the worker's bundle holds nothing of this room. Its log is owned as the file store's folder is.
  'edge/parallel': [...leaves, 'adapters', 'crypto', 'evm', 'batch', 'trie', 'vm', 'node:'],
  // The modules of its engine it takes as everyone does who deploys to workerd: from the package.
  edge: [
    ...leaves,
    ...['ports', 'crypto', 'evm', 'batch', 'trie', 'vm', 'channel', 'hono', 'cloudflare:workers', 'lanekit'],
  ],
}

/** Rooms that decide and never ask: no promise, clock, chance, network or log inside. */
const cores = ['keys', 'evm', 'trie', 'vm', 'batch', 'bitcoin', 'channel', 'verify', 'rlp', 'units']
const effect = /\basync\b|\bawait\b|\bPromise\b|\bfetch\(|Date\.now|new Date\(|Math\.random|setTimeout|\bconsole\b/
const linesMax = 400

const root = join(import.meta.dirname, '..')
const files = ['sdk', 'edge', 'examples']
  .map((top) => join(root, top))
  .filter((top) => existsSync(top))
  .flatMap(sourcesBelow)

describe('architecture', () => {
  it('finds the rooms it guards', () => {
    expect(files.length).toBeGreaterThan(10)
  })

  it('[walls] every import goes through a door its room has', () => {
    const breaches = files.flatMap((file) => {
      const room = roomOf(file)
      const doors = walls[room]
      if (room === 'edge/local') return []
      if (!doors) return [`${file}: no wall is defined for ${room}`]
      return importsOf(file)
        .filter((target) => !isOpen(file, room, doors, target))
        .map((target) => `${file} imports ${target}`)
    })
    expect(breaches).toEqual([])
  })

  it('[cores] cores hold no promise, clock, chance, network or log', () => {
    const breaches = files.filter((file) => {
      const [top, room = ''] = roomOf(file).split('/')
      return top === 'sdk' && cores.includes(room) && effect.test(codeOf(file))
    })
    expect(breaches).toEqual([])
  })

  it('[start] adapters load no viem', () => {
    expect(packagesLoadedBy('sdk/adapters/index.ts')).not.toContainEqual(expect.stringMatching(/^viem/))
  })

  it('[start] the command line loads no room before a command is called', () => {
    expect(packagesLoadedBy('sdk/cli/main.ts')).toEqual(['node:fs', 'node:util'])
  })

  it('[size] no source file is longer than 400 lines', () => {
    const long = files.filter((file) => readFileSync(join(root, file), 'utf8').split('\n').length > linesMax)
    expect(long).toEqual([])
  })
})

function sourcesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort()
}

function roomOf(file: string): string {
  const [top = '', second = ''] = file.split('/')
  if (top === 'sdk') return `sdk/${second.replace(/\.ts$/, '')}`
  if (top === 'edge' && second === 'local') return 'edge/local'
  if (file.startsWith('edge/executor/parallel/')) return 'edge/parallel'
  return top
}

/** The source without comments, so that words in them do not count. */
function codeOf(file: string): string {
  return readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
}

function importsOf(file: string): string[] {
  const pattern = /(?:from\s+|import\s*\(?\s*)['"]([^'"]+)['"]/g
  return [...codeOf(file).matchAll(pattern)].map((match) => match[1] as string)
}

/** What is loaded from outside, with all that is imported on the way, when a file is: types are not, nor what is imported later. */
function packagesLoadedBy(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return []
  seen.add(file)
  const pattern = /^(?:import|export) (?!type\b)(?:[^'"()]*? from )?['"]([^'"]+)['"]/gm
  const targets = [...codeOf(file).matchAll(pattern)].map((match) => match[1] as string)
  const loaded = targets.flatMap((target) =>
    target.startsWith('.') ? packagesLoadedBy(relative(root, join(root, dirname(file), target)), seen) : [target],
  )
  return [...new Set(loaded)].sort()
}

function isOpen(file: string, room: string, doors: readonly string[], target: string): boolean {
  if (!target.startsWith('.')) {
    return doors.some(
      (door) => target === door || target.startsWith(`${door}/`) || (door.endsWith(':') && target.startsWith(door)),
    )
  }
  const goal = roomOf(relative(root, join(root, dirname(file), target)))
  if (goal === room) return true
  const [top, name = ''] = goal.split('/')
  return top === 'sdk' && doors.includes(name)
}
