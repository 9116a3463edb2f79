import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { own } from '../../../../sdk/adapters/file/owner.ts'
import { accepted, type Decoded, refused, SdkError } from '../../../../sdk/errors.ts'
import { decodeHeader, encodeHeader } from '../../../../sdk/evm/index.ts'
import { decodeContent, encodeContent } from '../changes.ts'
import type { AccountContent, Snapshot } from '../engine.ts'
import { type ChainEntry, chainHead, encodeFrame, type LogEntry, readFrames } from './chainLog.ts'
import { chunkBytes, segmentBytesMax, segmentsKept } from './limits.ts'

/** Which chain a folder is of. */
export type Identity = Omit<ChainEntry, 'kind' | 'first'>

/** A log of a chain, on disk. */
export interface ChainLog {
  /**
   * Resolves once the entries are on the disk (fsync); what comes at the same time shares one write. After a failure
   * every call throws: only opening the folder again tells what is stored.
   */
  readonly append: (entries: readonly LogEntry[]) => Promise<void>
  /** Whether it is time for a snapshot. */
  readonly isLong: () => boolean
  /**
   * Stores the whole state, and goes on in a new segment. No block may be appended meanwhile.
   *
   * @param pooled - Asked when the new segment begins: what it must know of the pool.
   */
  readonly rotate: (snapshot: Snapshot, pooled: () => Iterable<Uint8Array>) => Promise<void>
  readonly close: () => Promise<void>
}

/** A folder, read. */
export interface OpenedFolder {
  readonly log: ChainLog
  /** Where the state starts; nothing means the genesis. */
  readonly snapshot: Snapshot | undefined
  /** Blocks in their order, from before the snapshot too. */
  readonly entries: readonly LogEntry[]
  /** What was let into the pool, whatever became of it. */
  readonly pooled: readonly Uint8Array[]
}

/**
 * Opens the log of a chain in `folder`, or begins one. A frame that a crash cut off is dropped.
 *
 * Throws `store/corrupt`, and changes nothing, when anything else is damaged or the folder is another chain's, and
 * `store/unavailable` while another process has it.
 */
export async function openFolder(
  folder: string,
  identity: Identity,
  segmentBytes = segmentBytesMax,
): Promise<OpenedFolder> {
  const path = resolve(folder)
  await makeFolder(path)
  const giveUp = await own(path)
  try {
    return await openOwned(path, identity, { giveUp, segmentBytes })
  } catch (error) {
    await giveUp()
    throw error
  }
}

interface Ownership {
  readonly giveUp: () => Promise<void>
  readonly segmentBytes: number
}

async function openOwned(folder: string, identity: Identity, ownership: Ownership): Promise<OpenedFolder> {
  const names = await readdir(folder)
  const snapshots = numbersOf(names, 'state')
  const segments = numbersOf(names, 'blocks')
  const newest = snapshots.at(-1)
  const current = newest === undefined ? 1 : newest + 1
  if (segments.some((first) => first > current)) throw corrupt('a snapshot is missing')
  const snapshot = newest === undefined ? undefined : await readSnapshot(folder, newest, identity)
  const entries: LogEntry[] = []
  let pooled: readonly Uint8Array[] = []
  let end = 0
  for (const first of segments) {
    const name = nameOf('blocks', first)
    const bytes = await readBytes(join(folder, name))
    const read = readFrames(bytes)
    if (!read.whole) throw corrupt(`${name}: ${read.reason}`)
    const isCurrent = first === current
    if (!isCurrent && read.end !== bytes.length)
      throw corrupt(`${name}: its end is damaged, and it is not the last one`)
    const [head, ...rest] = read.entries
    if (!head) continue // A crash came before its first frame was on the disk.
    checkIdentity(head, { ...identity, first }, name)
    entries.push(...rest.filter(({ kind }) => kind === 'block'))
    // A segment begins with all that was pooled then.
    pooled = rest.flatMap((entry) => (entry.kind === 'pooled' ? [entry.raw] : []))
    if (isCurrent) end = read.end
  }
  for (const name of names.filter((name) => name.endsWith('.next'))) await rm(join(folder, name))
  const writer = await openSegment(folder, { ...identity, first: current }, { end, pooled })
  return { log: chainLog(folder, identity, { writer, ...ownership }), snapshot, entries, pooled }
}

interface Segment {
  readonly handle: FileHandle
  end: number
}

function chainLog(folder: string, identity: Identity, opened: Ownership & { readonly writer: Segment }): ChainLog {
  let segment = opened.writer
  let doubt: SdkError | undefined
  let waiting: LogEntry[] = []
  let flushing: Promise<void> | undefined
  /** Writes take turns. */
  let turn: Promise<void> = Promise.resolve()

  function inTurn(write: () => Promise<void>): Promise<void> {
    const next = turn.then(async () => {
      if (doubt) throw doubt
      try {
        await write()
      } catch (cause) {
        // After a failed write or sync nobody can say what is on the disk (fsync(2)).
        doubt = new SdkError('store/unavailable', 'The log of the chain could not be written. Open it again.', {
          cause,
        })
        throw doubt
      }
    })
    turn = next.catch(() => undefined)
    return next
  }

  return {
    append: async (entries) => {
      if (doubt) throw doubt
      waiting.push(...entries)
      flushing ??= inTurn(async () => {
        const group = waiting
        waiting = []
        flushing = undefined
        await writeAll(segment, encodeFrame(group))
        await segment.handle.sync()
      })
      await flushing
    },
    isLong: () => segment.end > opened.segmentBytes,
    rotate: (snapshot, pooled) =>
      inTurn(async () => {
        const { number } = snapshot.header
        await writeSnapshot(folder, snapshot, { ...identity, first: number })
        const old = segment
        segment = await openSegment(folder, { ...identity, first: number + 1 }, { end: 0, pooled: pooled() })
        await old.handle.close()
        await dropOld(folder)
      }),
    close: async () => {
      await turn
      await segment.handle.close()
      await opened.giveUp()
    },
  }
}

async function openSegment(
  folder: string,
  chain: Omit<ChainEntry, 'kind'>,
  { end, pooled }: { readonly end: number; readonly pooled: Iterable<Uint8Array> },
): Promise<Segment> {
  const handle = await open(join(folder, nameOf('blocks', chain.first)), end === 0 ? 'w' : 'r+', 0o600)
  try {
    await handle.truncate(end)
    const segment: Segment = { handle, end }
    if (end === 0) {
      await writeAll(segment, chainHead)
      const waiting = [...pooled].map((raw): LogEntry => ({ kind: 'pooled', raw }))
      await writeAll(segment, encodeFrame([{ kind: 'chain', ...chain }, ...waiting]))
    }
    await handle.sync()
    await syncFolder(folder)
    return segment
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Plain bytes: a `Buffer` would show in all that is decoded from it. */
async function readBytes(path: string): Promise<Uint8Array> {
  const { buffer, byteOffset, length } = await readFile(path)
  return new Uint8Array(buffer, byteOffset, length)
}

async function writeAll(segment: Segment, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await segment.handle.write(bytes, at, bytes.length - at, segment.end + at)
    at += bytesWritten
  }
  segment.end += bytes.length
}

/** Under another name first: what bears the right one is whole. */
async function writeSnapshot(folder: string, { accounts, header, hashes }: Snapshot, chain: Omit<ChainEntry, 'kind'>) {
  const name = nameOf('state', header.number)
  const handle = await open(join(folder, `${name}.next`), 'w', 0o600)
  try {
    const file: Segment = { handle, end: 0 }
    await writeAll(file, chainHead)
    const about: LogEntry = { kind: 'snapshot', header: encodeHeader(header), hashes }
    await writeAll(file, encodeFrame([{ kind: 'chain', ...chain }, about]))
    let count = 0
    let [chunk, size]: [LogEntry[], number] = [[], 0]
    for (const account of accounts) {
      const content = encodeContent(account)
      chunk.push({ kind: 'account', content })
      count += 1
      size += content.length
      if (size < chunkBytes) continue
      await writeAll(file, encodeFrame(chunk))
      ;[chunk, size] = [[], 0]
    }
    await writeAll(file, encodeFrame([...chunk, { kind: 'end', accounts: count }]))
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(join(folder, `${name}.next`), join(folder, name))
  await syncFolder(folder)
}

async function readSnapshot(folder: string, number: number, identity: Identity): Promise<Snapshot> {
  const name = nameOf('state', number)
  const bytes = await readBytes(join(folder, name))
  const read = readFrames(bytes)
  if (!read.whole) throw corrupt(`${name}: ${read.reason}`)
  const [chain, about, ...rest] = read.entries
  const last = rest.at(-1)
  const isWhole = about?.kind === 'snapshot' && last?.kind === 'end' && last.accounts === rest.length - 1
  if (!chain || !isWhole || read.end !== bytes.length) throw corrupt(`${name}: it is not whole`)
  checkIdentity(chain, { ...identity, first: number }, name)
  const header = decodeHeader(about.header)
  const accounts = contentsOf(rest.slice(0, -1))
  if (!header.ok || !accounts.ok) throw corrupt(`${name}: its form is not known`)
  return { kind: 'snapshot', accounts: accounts.value, header: header.value, hashes: about.hashes }
}

function contentsOf(entries: readonly LogEntry[]): Decoded<readonly AccountContent[]> {
  const contents: AccountContent[] = []
  for (const entry of entries) {
    const content = entry.kind === 'account' ? decodeContent(entry.content) : refused('it is no account')
    if (!content.ok) return content
    contents.push(content.value)
  }
  return accepted(contents)
}

function checkIdentity(entry: LogEntry, wanted: Omit<ChainEntry, 'kind'>, name: string): void {
  if (entry.kind !== 'chain') throw corrupt(`${name}: it does not say which chain it is of`)
  const isSame = entry.chainId === wanted.chainId && entry.fork === wanted.fork && entry.genesis === wanted.genesis
  if (!isSame || entry.first !== wanted.first)
    throw corrupt(
      `${name}: it is of chain ${entry.chainId} under ${entry.fork} with another genesis, or of another place`,
    )
}

/** What is no longer needed to have the state, nor to tell of the newest blocks. */
async function dropOld(folder: string): Promise<void> {
  const names = await readdir(folder)
  for (const number of numbersOf(names, 'state').slice(0, -1)) await rm(join(folder, nameOf('state', number)))
  const segments = numbersOf(names, 'blocks')
  for (const first of segments.slice(0, -1 - segmentsKept)) await rm(join(folder, nameOf('blocks', first)))
}

function nameOf(kind: 'state' | 'blocks', number: number): string {
  return `${kind}-${number.toString().padStart(12, '0')}`
}

function numbersOf(names: readonly string[], kind: 'state' | 'blocks'): readonly number[] {
  const found = names.flatMap((name) => new RegExp(`^${kind}-([0-9]{12})$`).exec(name)?.[1] ?? [])
  return found.map(Number).sort((one, other) => one - other)
}

function corrupt(reason: string): SdkError {
  return new SdkError('store/corrupt', `The log of the chain is damaged: ${reason}.`, {
    notes: ['Nothing was changed. Keep the folder; a backup of it is the way back.'],
  })
}

/** Makes the folder, and each one above it that is missing, so that a power cut does not take them away again. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}

async function syncFolder(folder: string): Promise<void> {
  // Windows has no such call, and writes folders at once.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
