import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Node, type NodeOptions, openNode } from '../../../edge/executor/parallel/node/node.ts'
import { developmentChain } from '../../../edge/local/developmentChain.ts'
import { toHex } from '../../../sdk/units.ts'
import { transfer } from '../transfers.ts'

/**
 * Goal: a log that is cut off or damaged is told apart, and what is whole comes back with the same state root. Method: a
 * node in a folder, closed and opened again, with the files changed in between.
 */
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lanekit-chain-'))
  folders.push(folder)
  return folder
}

const chain = developmentChain({ fork: 'osaka', accounts: 3, blockMs: 0 })

function open(folder: string, options: Partial<NodeOptions> = {}): Promise<Node> {
  return openNode({ ...chain, folder, ...options })
}

/** Calls a method as a client would, without HTTP in between. */
async function call(node: Node, method: string, ...params: readonly unknown[]) {
  return (await node.methods[method]?.(params)) as { result?: unknown; error?: { code: number; message: string } }
}

/** Sends transfers of the first account, each into a block of its own. */
async function send(node: Node, from: number, count: number): Promise<readonly unknown[]> {
  const receipts: unknown[] = []
  for (let nonce = from; nonce < from + count; nonce++) {
    const { raw } = await transfer({ from: 0, nonce })
    receipts.push((await call(node, 'eth_sendRawTransactionSync', toHex(raw))).result)
  }
  return receipts
}

function segmentOf(folder: string): string {
  const name = readdirSync(folder).find((name) => name.startsWith('blocks-'))
  return join(folder, name ?? '')
}

describe('a chain in a folder', () => {
  it('is there again after it was closed: blocks, receipts, pool, state root', async () => {
    const folder = newFolder()
    const before = await open(folder)
    const receipts = await send(before, 0, 3)
    const gapped = await transfer({ from: 1, nonce: 1 })
    expect(await call(before, 'eth_sendRawTransaction', toHex(gapped.raw))).toEqual({ result: gapped.hash })
    const { block } = before.archive.head()
    await before.stop()

    const after = await open(folder)
    expect(after.archive.head().block).toEqual(block)
    expect(toHex(after.engine.head().header.stateRoot)).toBe(toHex(block.header.stateRoot))
    for (const receipt of receipts as { transactionHash: string }[])
      expect(await call(after, 'eth_getTransactionReceipt', receipt.transactionHash)).toEqual({ result: receipt })
    expect(await call(after, 'eth_getTransactionByHash', gapped.hash)).toMatchObject({ result: { blockHash: null } })
    const missing = await transfer({ from: 1, nonce: 0 })
    expect(await call(after, 'eth_sendRawTransactionSync', toHex(missing.raw))).toMatchObject({
      result: { status: '0x1' },
    })
    expect(await call(after, 'eth_getTransactionReceipt', gapped.hash)).toMatchObject({ result: { status: '0x1' } })
    await after.stop()
  })

  it('goes on from snapshots, and still tells of the blocks before them', async () => {
    const folder = newFolder()
    const before = await open(folder, { segmentBytes: 3_000 })
    const receipts = (await send(before, 0, 8)) as { transactionHash: string }[]
    const { block } = before.archive.head()
    await before.stop()
    const names = readdirSync(folder)
    expect(names.filter((name) => name.startsWith('state-'))).toHaveLength(1)
    expect(names.filter((name) => name.startsWith('blocks-')).length).toBeGreaterThan(1)

    const after = await open(folder, { segmentBytes: 3_000 })
    expect(after.archive.head().block).toEqual(block)
    expect(await call(after, 'eth_getTransactionReceipt', receipts[0]?.transactionHash)).toEqual({
      result: receipts[0],
    })
    const next = await send(after, 8, 1)
    expect(next).toMatchObject([{ status: '0x1' }])
    await after.stop()
  })

  it('drops what a crash cut off, wherever it did', async () => {
    const folder = newFolder()
    const node = await open(folder)
    await send(node, 0, 1)
    const whole = statSync(segmentOf(folder)).size
    await send(node, 1, 1)
    await node.stop()
    const bytes = readFileSync(segmentOf(folder))
    for (const size of [bytes.length - 1, Math.floor((whole + bytes.length) / 2), whole + 5, whole]) {
      writeFileSync(segmentOf(folder), bytes)
      truncateSync(segmentOf(folder), size)
      const again = await open(folder)
      expect(again.archive.head().block.header.number).toBe(1)
      await again.stop()
    }
  })

  it('refuses damage in the middle, and changes nothing', async () => {
    const folder = newFolder()
    const node = await open(folder)
    await send(node, 0, 3)
    await node.stop()
    const bytes = readFileSync(segmentOf(folder))
    const middle = Math.floor(bytes.length / 2)
    bytes[middle] = (bytes[middle] ?? 0) ^ 0x40
    writeFileSync(segmentOf(folder), bytes)
    await expect(open(folder)).rejects.toMatchObject({ code: 'store/corrupt' })
    expect(readFileSync(segmentOf(folder))).toEqual(bytes)
  })

  it('refuses another chain, and a second owner', async () => {
    const folder = newFolder()
    const node = await open(folder)
    await expect(open(folder)).rejects.toMatchObject({ code: 'store/unavailable' })
    await node.stop()
    const other = developmentChain({ fork: 'osaka', accounts: 2, blockMs: 0 })
    await expect(openNode({ ...other, folder })).rejects.toMatchObject({ code: 'store/corrupt' })
  })
})
