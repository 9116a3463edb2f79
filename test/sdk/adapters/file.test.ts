import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { file, storeBytesMax } from '../../../sdk/adapters/file.ts'
import { commitBytesMax, recordBytesMax } from '../../../sdk/adapters/writes.ts'
import { refusalOf } from '../../contracts/contract.ts'
import { runContract } from '../../contracts/run.ts'
import { contentsOf, drop, put, record, storeContract } from '../../contracts/store.ts'

let top = ''
let made = 0

beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), 'lanekit-store-'))
})
afterAll(async () => {
  await rm(top, { recursive: true })
})

/** A folder that is not there yet. */
function newFolder(): string {
  made += 1
  return join(top, `${made}`, 'deep', 'er')
}

let current = ''
runContract(
  storeContract('file', {
    open: async () => {
      current = newFolder()
      return file(current)
    },
    reopen: async () => file(current),
    handles: 'one',
    histories: 25,
  }),
)

describe('file: crashes', () => {
  it('cut at every byte of its last two commits, the journal has every acknowledged commit and no half one', async () => {
    const folder = newFolder()
    const store = file(folder)
    await store.commit([put('a', 0, 'one')])
    const sizes = [await sizeOf(folder)]
    for (const [version, text] of ['two', 'three'].entries()) {
      await store.commit([put('a', version + 1, text), put(`b${version}`, 0, text)])
      sizes.push(await sizeOf(folder))
    }
    const states = [
      { a: record(1, 'one') },
      { a: record(2, 'two'), b0: record(1, 'two') },
      { a: record(3, 'three'), b0: record(1, 'two'), b1: record(1, 'three') },
    ]
    const journal = await readFile(join(folder, 'journal'))
    await store.close()
    for (let cut = sizes[0] as number; cut <= journal.length; cut++) {
      const crashed = await folderWith(journal.subarray(0, cut))
      const again = file(crashed)
      const state = states[sizes.filter((size) => size <= cut).length - 1] as (typeof states)[0]
      expect(await contentsOf(again), `cut at ${cut}`).toEqual(state)
      await again.commit([put('a', state.a.version, 'next')])
      await again.close()
    }
  })

  it('reports damage before the tail, and leaves the journal as it is', async () => {
    const folder = newFolder()
    const store = file(folder)
    for (let version = 0; version < 3; version++) await store.commit([put('a', version, `text ${version}`)])
    await store.close()
    const journal = await readFile(join(folder, 'journal'))
    journal.writeUInt8(journal.readUInt8(60) ^ 1, 60)
    await writeFile(join(folder, 'journal'), journal)
    const damaged = file(folder)
    expect(await refusalOf(damaged.get('a'))).toBe('store/corrupt')
    expect(await refusalOf(damaged.commit([put('a', 0, 'x')]))).toBe('store/corrupt')
    await damaged.close()
    expect(await readFile(join(folder, 'journal'))).toEqual(journal)
    expect(await readdir(folder)).toEqual(['journal'])
  })

  it('opens over what a crash in the middle of compaction left behind', async () => {
    const folder = newFolder()
    const store = file(folder)
    await store.commit([put('a', 0, 'one')])
    await store.close()
    await writeFile(join(folder, 'journal.next'), 'half a journ')
    const again = file(folder)
    expect(await again.get('a')).toEqual(record(1, 'one'))
    await again.close()
    expect(await readdir(folder)).toEqual(['journal'])
  })
})

describe('file: the disk', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  const failure = (code: string) => Object.assign(new Error(`${code}: of the disk`), { code })
  const handles = async () => {
    const probe = await open(join(top, 'probe'), 'w')
    await probe.close()
    return Object.getPrototypeOf(probe) as typeof probe
  }

  it('acknowledges after the sync, and shows nothing before it', async () => {
    const store = file(newFolder())
    await store.commit([put('a', 0, 'one')])
    const disk = new EventEmitter()
    const sync = vi.spyOn(await handles(), 'sync').mockImplementationOnce(async () => {
      await once(disk, 'synced')
    })
    const acknowledged = vi.fn()
    const commit = store.commit([put('a', 1, 'two')]).then(acknowledged)
    await vi.waitFor(() => expect(sync).toHaveBeenCalledOnce())
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(acknowledged).not.toHaveBeenCalled()
    disk.emit('synced')
    await commit
    expect(await store.get('a')).toEqual(record(2, 'two'))
    await store.close()
  })

  it('syncs a new journal, its folder, and every folder made on the way, before it answers', async () => {
    const folder = newFolder()
    await mkdir(dirname(dirname(folder)), { recursive: true })
    const sync = vi.spyOn(await handles(), 'sync')
    const store = file(folder)
    await store.get('a')
    expect(sync).toHaveBeenCalledTimes(4)
    await store.commit([put('a', 0, 'one')])
    expect(sync).toHaveBeenCalledTimes(5)
    await store.close()
  })

  it.each([
    ['ENOSPC', 'store/full'],
    ['EIO', 'store/unavailable'],
  ])('%s in the middle of a write changes nothing, and the store goes on', async (code, refusal) => {
    const folder = newFolder()
    const store = file(folder)
    await store.commit([put('a', 0, 'one')])
    const size = await sizeOf(folder)
    const prototype = await handles()
    const write = prototype.write
    let calls = 0
    vi.spyOn(prototype, 'write').mockImplementation(function (this: unknown, ...args: unknown[]) {
      calls += 1
      if (calls > 1) return Promise.reject(failure(code))
      const [bytes, at, , position] = args
      return Reflect.apply(write, this, [bytes, at, 7, position])
    } as typeof write)
    expect(await refusalOf(store.commit([put('a', 1, 'x'), put('b', 0, 'x')]))).toBe(refusal)
    expect(await sizeOf(folder)).toBe(size)
    vi.restoreAllMocks()
    expect(await contentsOf(store)).toEqual({ a: record(1, 'one') })
    await store.commit([put('a', 1, 'two')])
    await store.close()
    const again = file(folder)
    expect(await contentsOf(again)).toEqual({ a: record(2, 'two') })
    await again.close()
  })

  it('stops when a sync fails: the end of that commit is unknown until the store is opened again', async () => {
    const folder = newFolder()
    const store = file(folder)
    await store.commit([put('a', 0, 'one')])
    vi.spyOn(await handles(), 'sync').mockRejectedValueOnce(failure('EIO'))
    expect(await refusalOf(store.commit([put('a', 1, 'two')]))).toBe('store/unavailable')
    expect(await refusalOf(store.commit([put('b', 0, 'x')]))).toBe('store/unavailable')
    await store.close()
    const again = file(folder)
    expect([record(1, 'one'), record(2, 'two')]).toContainEqual(await again.get('a'))
    expect(await again.get('b')).toBeUndefined()
    await again.close()
  })

  it('says so when the folder cannot be', async () => {
    const folder = newFolder()
    await mkdir(dirname(folder), { recursive: true })
    await writeFile(folder, 'a file')
    expect(await refusalOf(file(folder).get('a'))).toBe('store/unavailable')
  })

  it('holds its most and no more, and has room again after a deletion', { timeout: 120_000 }, async () => {
    const folder = newFolder()
    const store = file(folder)
    const each = commitBytesMax / recordBytesMax
    const fill = (at: number) =>
      store.commit(
        Array.from({ length: each }, (_, n) => ({
          key: `${at}/${n}`,
          expected: 0,
          bytes: new Uint8Array(recordBytesMax),
        })),
      )
    const last = storeBytesMax / commitBytesMax - 1
    for (let at = 0; at < last; at++) await fill(at)
    expect(await refusalOf(fill(last))).toBe('store/full')
    await store.commit([drop('0/0', 1)])
    await fill(last)
    await store.close()
    await rm(folder, { recursive: true })
  })
})

describe('file: compaction', () => {
  const large = (version: number) => ({
    key: 'a',
    expected: version,
    bytes: new Uint8Array(recordBytesMax).fill(version),
  })

  it('forgets the past when there is more of it than of the present', async () => {
    const folder = newFolder()
    const store = file(folder)
    await store.commit([put('b', 0, 'one'), put('c', 0, 'one')])
    await store.commit([drop('c', 1)])
    for (let version = 0; version < 20; version++) await store.commit([large(version)])
    expect(await sizeOf(folder)).toBeLessThan(8 * recordBytesMax)
    await store.close()
    const again = file(folder)
    const { a, ...others } = await contentsOf(again)
    expect(others).toEqual({ b: record(1, 'one') })
    expect(a?.version).toBe(20)
    expect(a?.bytes.every((byte) => byte === 19)).toBe(true)
    await again.close()
  })

  it('goes on with the old journal when a new one cannot be written', async () => {
    const folder = newFolder()
    const store = file(folder)
    await store.commit([put('b', 0, 'one')])
    await mkdir(join(folder, 'journal.next'))
    for (let version = 0; version < 12; version++) await store.commit([large(version)])
    expect(await sizeOf(folder)).toBeGreaterThan(12 * recordBytesMax)
    await rm(join(folder, 'journal.next'), { recursive: true })
    for (let version = 12; version < 32; version++) await store.commit([large(version)])
    expect(await sizeOf(folder)).toBeLessThan(16 * recordBytesMax)
    expect((await store.get('a'))?.version).toBe(32)
    await store.close()
  })
})

describe('file: owners', () => {
  it('takes the folder over from a process that is gone, and from one that had its number before', async () => {
    const folder = newFolder()
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, `owner.${await deadPid()}.0.x.${hostname()}`), '')
    await writeFile(join(folder, `owner.${process.pid}.1.x.${hostname()}`), '')
    const store = file(folder)
    await store.commit([put('a', 0, 'one')])
    expect((await readdir(folder)).filter((name) => name.startsWith('owner')).length).toBe(1)
    await store.close()
    expect(await readdir(folder)).toEqual(['journal'])
  })

  it('leaves the folder to an owner on another host, who cannot be asked', async () => {
    const folder = newFolder()
    await mkdir(folder, { recursive: true })
    const other = join(folder, 'owner.1.0.x.another.host')
    await writeFile(other, '')
    const store = file(folder)
    await expect(store.get('a')).rejects.toMatchObject({ code: 'store/unavailable', retryable: true })
    await rm(other)
    expect(await store.get('a')).toBeUndefined()
    await store.close()
  })

  it('of many who come at once at most one gets the folder', async () => {
    const folder = newFolder()
    const stores = Array.from({ length: 6 }, () => file(folder))
    const ends = await Promise.all(stores.map((store, at) => refusalOf(store.commit([put('a', 0, `${at}`)]))))
    expect(ends.filter((end) => end === 'none').length).toBeLessThanOrEqual(1)
    for (const end of ends) expect(['none', 'store/unavailable']).toContain(end)
    for (const store of stores) await store.close()
  })

  it('an owner whose folder was taken over by force is told, and writes nothing', async () => {
    const folder = newFolder()
    const first = file(folder)
    await first.commit([put('a', 0, 'one')])
    for (const name of await readdir(folder)) if (name.startsWith('owner')) await rm(join(folder, name))
    const second = file(folder)
    await second.commit([put('a', 1, 'two')])
    expect(await refusalOf(first.commit([put('a', 1, 'x')]))).toBe('store/conflict')
    expect(await refusalOf(first.commit([put('b', 0, 'x')]))).toBe('store/conflict')
    await first.close()
    await second.commit([put('a', 2, 'three')])
    await second.close()
    const third = file(folder)
    expect(await contentsOf(third)).toEqual({ a: record(3, 'three') })
    await third.close()
  })
})

describe('file: processes', () => {
  let program = ''

  beforeAll(async () => {
    program = join(top, 'writer.mjs')
    await build({
      stdin: {
        contents: `
          import { file } from './sdk/adapters/file.ts'
          const store = file(process.argv[2])
          let version = (await store.get('a'))?.version ?? 0
          for (;;) {
            const bytes = new TextEncoder().encode(String(version + 1))
            await store.commit([{ key: 'a', expected: version, bytes }, { key: 'b', expected: version, bytes }])
            version += 1
            process.stdout.write(version + '\\n')
          }`,
        resolveDir: join(import.meta.dirname, '../../..'),
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: program,
    })
  })

  it('killed at any moment, a process loses nothing it acknowledged, and halves nothing', async () => {
    const folder = newFolder()
    let acknowledged = 0
    for (const commits of [1, 7, 20, 41, 3]) {
      const writer = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
      acknowledged = await killAfter(writer, acknowledged + commits, async () => {
        expect(await refusalOf(file(folder).get('a'))).toBe('store/unavailable')
      })
      const store = file(folder)
      const [a, b] = [await store.get('a'), await store.get('b')]
      expect(a).toEqual(b)
      expect(a?.version).toBeGreaterThanOrEqual(acknowledged)
      expect(new TextDecoder().decode(a?.bytes)).toBe(String(a?.version))
      acknowledged = a?.version ?? 0
      await store.close()
    }
  })
})

/** Waits for that acknowledgement, then kills. Resolves with the last one printed. */
async function killAfter(writer: ChildProcess, wanted: number, meanwhile: () => Promise<void>): Promise<number> {
  let last = 0
  let tried: Promise<void> | undefined
  const exited = once(writer, 'exit')
  for await (const line of createInterface({ input: writer.stdout as NodeJS.ReadableStream })) {
    last = Number(line)
    tried ??= meanwhile()
    if (last < wanted) continue
    await tried
    writer.kill('SIGKILL')
  }
  await exited
  return last
}

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(child, 'exit')
  return child.pid as number
}

async function folderWith(journal: Uint8Array): Promise<string> {
  const folder = newFolder()
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'journal'), journal)
  return folder
}

async function sizeOf(folder: string): Promise<number> {
  return (await stat(join(folder, 'journal'))).size
}
