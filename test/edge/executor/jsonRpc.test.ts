import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Offers } from '../../../edge/executor/envelope.ts'
import { follow } from '../../../edge/executor/follow.ts'
import { jsonRpcExecutor } from '../../../edge/executor/jsonRpc.ts'
import type { Block, Outcome } from '../../../edge/executor/port.ts'
import { undeclared } from '../../../sdk/batch/index.ts'
import { address, blockHash, chainId, type TxHash, txHash } from '../../../sdk/units.ts'

const alice = address(`0x${'0a'.repeat(20)}`)
const hash = txHash(`0x${'01'.repeat(32)}`)
const sending = {
  hash,
  sender: alice,
  raw: new Uint8Array([1, 2, 3]),
  position: 0,
  declaration: undeclared(21_000),
}

type Reply = { readonly status?: number; readonly body: unknown } | 'hang up'
interface Call {
  readonly id: number
  readonly method: string
  readonly params: readonly unknown[]
}

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
})

/** An executor at a node that answers as it is told. */
async function executorAt(
  reply: (calls: readonly Call[]) => Reply,
  finality: 'tag' | number = 2,
  offers: Offers | null = null,
) {
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      const json = JSON.parse(text)
      const said = reply(Array.isArray(json) ? json : [json])
      if (said === 'hang up') {
        request.socket.destroy()
        return
      }
      response.writeHead(said.status ?? 200)
      response.end(typeof said.body === 'string' ? said.body : JSON.stringify(said.body))
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const road = offers ? ({ chain: { id: chainId(1), fork: 'osaka' }, offers } as const) : undefined
  return jsonRpcExecutor({ executors: [`http://127.0.0.1:${port}`], finality }, road)
}

/** Answers each call by itself. */
function each(answer: (call: Call) => object) {
  return (calls: readonly Call[]): Reply => {
    const all = calls.map((call) => ({ jsonrpc: '2.0', id: call.id, ...answer(call) }))
    return { body: calls.length === 1 ? all[0] : all.reverse() }
  }
}

async function outcomeOf(reply: Reply): Promise<Outcome | undefined> {
  const executor = await executorAt(() => reply)
  let outcome: Outcome | undefined
  await executor.forward([[sending]], {
    until: Number.POSITIVE_INFINITY,
    report: ([first]) => {
      outcome = first?.[1]
    },
  })
  return outcome
}

describe('sending that is answered by a receipt (EIP-7966)', () => {
  const receipt = { transactionHash: hash, blockHash: `0x${'07'.repeat(32)}`, blockNumber: '0x7' }
  const whole = { ...receipt, transactionIndex: '0x0', gasUsed: '0x5208', status: '0x1' }
  const noSuchMethod = { error: { code: -32601, message: 'no such method' } }

  /** What a node that has the method, and answers a transaction so, is asked; and what came of each sending. */
  async function sendTo(answer: object, { count = 1, lanes = 1, form = 'number' } = {}) {
    const asked: string[] = []
    const reply = each(({ method, params }) => {
      if (method === 'lanekit_executeBatch') return noSuchMethod
      const [raw, wait] = params
      asked.push([method, ...(method.endsWith('Sync') ? [raw, typeof wait] : [])].join(' '))
      if (method === 'eth_sendRawTransaction') return { result: hash }
      if (typeof wait !== form) return { error: { code: -32602, message: 'wrong parameter' } }
      return raw === '0x' ? { error: { code: -32000, message: 'too short' } } : answer
    })
    const offers = { runsEnvelopes: undefined, syncWait: undefined, syncRestUntil: 0 }
    const executor = await executorAt(reply, 2, offers)
    const outcomes: Outcome['kind'][] = []
    for (let at = 0; at < count; at++)
      await executor.forward(
        Array.from({ length: lanes }, () => [sending]),
        {
          until: Number.POSITIVE_INFINITY,
          report: (list) => outcomes.push(...list.map(([, { kind }]) => kind)),
        },
      )
    return { asked, outcomes }
  }
  const plain = 'eth_sendRawTransaction'
  const probes = [`${plain}Sync 0x number`, `${plain}Sync 0x string`]
  const sync = `${plain}Sync 0x010203 number`

  it('is probed once without a transaction, and then told of the block', async () => {
    const kinds = ['included', 'included']
    expect(await sendTo({ result: whole }, { count: 2 })).toEqual({ asked: [...probes, sync, sync], outcomes: kinds })
    const quantity = `${plain}Sync 0x010203 string`
    const asked = [...probes, quantity, quantity]
    expect(await sendTo({ result: whole }, { count: 2, form: 'string' })).toEqual({ asked, outcomes: kinds })
  })

  it('is sent once, whatever comes back', async () => {
    for (const answer of [{ result: null }, { result: { ...whole, transactionHash: `0x${'02'.repeat(32)}` } }, {}])
      expect(await sendTo(answer)).toEqual({ asked: [...probes, sync], outcomes: ['unknown'] })
    expect((await sendTo({ error: { code: 5, message: 'nonce gap' } })).outcomes).toEqual(['unknown'])
    const gone = { asked: [...probes, sync, plain], outcomes: ['unsent', 'accepted'] }
    expect(await sendTo(noSuchMethod, { count: 2 })).toEqual(gone)
  })

  it('is left alone for a while by a node whose blocks are slow, and for good by one that takes no time to wait', async () => {
    const slow = { error: { code: 4, message: 'timed out', data: hash } }
    const asked = [...probes, sync, plain]
    expect(await sendTo(slow, { count: 2 })).toEqual({ asked, outcomes: ['accepted', 'accepted'] })
    expect((await sendTo(slow, { count: 2, form: 'none' })).asked).toEqual([...probes, plain, plain])
  })

  it('is not for a window that others would wait for', async () => {
    expect((await sendTo({ result: whole }, { lanes: 5 })).asked).toEqual(Array(5).fill(plain))
  })
})

describe('sending over JSON-RPC', () => {
  it('is accepted when the node answers with a result', async () => {
    expect(await outcomeOf({ body: { jsonrpc: '2.0', id: 0, result: hash } })).toEqual({ kind: 'accepted' })
  })

  it('is rejected by a definite error, also one that comes with a client error of HTTP', async () => {
    const body = { jsonrpc: '2.0', id: 0, error: { code: -32000, message: 'insufficient funds' } }
    expect(await outcomeOf({ body })).toMatchObject({ kind: 'rejected', code: 'insufficient-funds' })
    expect(await outcomeOf({ status: 400, body })).toMatchObject({ kind: 'rejected' })
  })

  const unknowns: readonly (readonly [string, Reply])[] = [
    ['a broken connection', 'hang up'],
    ['a server error', { status: 502, body: 'Bad gateway' }],
    [
      'a server error that carries an answer',
      { status: 500, body: { id: 0, error: { code: -32000, message: 'insufficient funds' } } },
    ],
    ['too many requests', { status: 429, body: '{}' }],
    ['no JSON', { body: '<html>' }],
    ['JSON that is no answer', { body: '42' }],
    ['an answer to another call', { body: { jsonrpc: '2.0', id: 7, result: hash } }],
    ['neither result nor error', { body: { jsonrpc: '2.0', id: 0 } }],
    ['a redirect', { status: 302, body: '' }],
  ]
  it.each(unknowns)('%s means unknown, never failed', async (_name, reply) => {
    expect(await outcomeOf(reply)).toEqual({ kind: 'unknown' })
  })
})

describe('questions over JSON-RPC', () => {
  it('reads nonces in one array, whatever the order of the answers, and leaves out what is unreadable', async () => {
    const others = [1, 2, 3].map((n) => address(`0x${`0${n}`.repeat(20)}`))
    const executor = await executorAt(
      each(({ params }) =>
        params[0] === others[1]
          ? { error: { code: 1, message: 'no' } }
          : { result: `0x${String(params[0]).slice(3, 4)}` },
      ),
    )
    expect(await executor.nonces(others, 'latest')).toEqual(
      new Map([
        [others[0], 1],
        [others[2], 3],
      ]),
    )
  })

  it('says missing only when neither a block nor the pool has the hash', async () => {
    const [pooled, mined, gone, silent] = ['02', '03', '04', '05'].map((byte) => txHash(`0x${byte.repeat(32)}`)) as [
      TxHash,
      TxHash,
      TxHash,
      TxHash,
    ]
    const receipt = {
      transactionHash: mined,
      blockHash: blockHash(`0x${'0b'.repeat(32)}`),
      blockNumber: '0x7',
      transactionIndex: '0x1',
      gasUsed: '0x5208',
      status: '0x0',
    }
    const executor = await executorAt(
      each(({ method, params }) => {
        if (params[0] === silent) return { error: { code: -32005, message: 'slow down' } }
        if (method === 'eth_getTransactionReceipt') return { result: params[0] === mined ? receipt : null }
        return { result: params[0] === gone ? null : {} }
      }),
    )
    const found = await executor.find([pooled, mined, gone, silent])
    expect([...found].map(([, { kind }]) => kind)).toEqual(['pooled', 'included', 'missing'])
    expect(found.get(mined)).toMatchObject({ inclusion: { blockNumber: 7, index: 1, succeeded: false } })
  })

  it('falls back to single receipts where blocks of them are not offered', async () => {
    const block: Block = {
      number: 7,
      hash: blockHash(`0x${'0b'.repeat(32)}`),
      parentHash: blockHash(`0x${'0a'.repeat(32)}`),
      transactions: [hash],
    }
    const receipt = {
      transactionHash: hash,
      blockHash: block.hash,
      blockNumber: '0x7',
      transactionIndex: '0x0',
      gasUsed: '0x1',
    }
    const executor = await executorAt(
      each(({ method }) =>
        method === 'eth_getBlockReceipts'
          ? { error: { code: -32601, message: 'no such method' } }
          : { result: receipt },
      ),
    )
    expect(await executor.inclusions(block, [hash])).toHaveLength(1)
  })

  it('does not mix blocks: receipts of another block at that height are nonsense', async () => {
    const block: Block = {
      number: 7,
      hash: blockHash(`0x${'0b'.repeat(32)}`),
      parentHash: blockHash(`0x${'0a'.repeat(32)}`),
      transactions: [hash],
    }
    const receipt = {
      transactionHash: hash,
      blockHash: `0x${'0c'.repeat(32)}`,
      blockNumber: '0x7',
      transactionIndex: '0x0',
      gasUsed: '0x1',
    }
    const executor = await executorAt(each(() => ({ result: [receipt] })))
    await expect(executor.inclusions(block, [hash])).rejects.toMatchObject({ code: 'node/nonsense' })
  })

  it('knows no final block on a young chain', async () => {
    const newest = { number: '0x5', hash: `0x${'05'.repeat(32)}`, parentHash: `0x${'04'.repeat(32)}`, transactions: [] }
    const executor = await executorAt(
      each(({ params }) => ({ result: params[0] === 'latest' ? newest : null })),
      'tag',
    )
    expect(await executor.head()).toMatchObject({ number: 5, finalized: -1 })
  })

  it.each(['{"number":5}', '[]', 'null', '{"number":"0x5","hash":"0x","parentHash":1,"transactions":[]}'])(
    'refuses %s as a block',
    async (result) => {
      const executor = await executorAt(each(() => ({ result: JSON.parse(result) })))
      await expect(executor.head()).rejects.toMatchObject({ code: 'node/nonsense' })
    },
  )
})

describe('following the chain', () => {
  const at = (number: number, branch = 0) => blockHash(`0x${branch}${number.toString().padStart(63, '0')}`)

  /** A node whose block at each height is of the branch that `branchAt` tells. */
  function nodeAt(height: number, branchAt: (number: number) => number = () => 0) {
    const block = (number: number) => ({
      number: `0x${number.toString(16)}`,
      hash: at(number, branchAt(number)),
      parentHash: at(number - 1, branchAt(number - 1)),
      transactions: [],
    })
    return executorAt(
      each(({ params }) => {
        const number = params[0] === 'latest' ? height : Number(params[0])
        return { result: number > height ? null : block(number) }
      }),
    )
  }
  const known = (tip: number | undefined, from = 0) => ({
    tip,
    hashAt: (number: number) => (tip !== undefined && number <= tip && number >= from ? at(number) : undefined),
    isWanted: () => false,
  })

  it('starts at the head', async () => {
    expect(await follow(await nodeAt(9), known(undefined))).toMatchObject({
      blocks: [{ number: 9 }],
      isGap: true,
      finalized: 7,
    })
  })

  it('reads what is new, and nothing when nothing is', async () => {
    const { blocks, isGap } = await follow(await nodeAt(9), known(6))
    expect(blocks.map(({ number }) => number)).toEqual([7, 8, 9])
    expect(isGap).toBe(false)
    expect((await follow(await nodeAt(9), known(9))).blocks).toEqual([])
  })

  it('goes back to where the known blocks still stand', async () => {
    const { blocks, isGap } = await follow(await nodeAt(9, (number) => (number > 4 ? 1 : 0)), known(8))
    expect(blocks.map(({ number }) => number)).toEqual([5, 6, 7, 8, 9])
    expect(isGap).toBe(false)
  })

  it('goes back on a shorter branch too, and ignores a node that lags', async () => {
    const shorter = await follow(await nodeAt(7, (number) => (number > 5 ? 1 : 0)), known(8))
    expect(shorter.blocks.map(({ number }) => number)).toEqual([6, 7])
    expect((await follow(await nodeAt(7), known(8))).blocks).toEqual([])
  })

  it('says that there is a gap when it is too far behind, or what it knows does not reach back', async () => {
    expect(await follow(await nodeAt(500), known(9))).toMatchObject({ isGap: true })
    expect(await follow(await nodeAt(9, (number) => (number > 2 ? 1 : 0)), known(8, 5))).toMatchObject({ isGap: true })
  })
})
