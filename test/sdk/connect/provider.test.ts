import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Approval, type Provider, provider, rpcCodes } from '../../../sdk/connect/index.ts'
import { orderFromRequest } from '../../../sdk/connect/request.ts'
import { SdkError } from '../../../sdk/errors.ts'
import type { Signer } from '../../../sdk/ports.ts'
import { chainId, wei } from '../../../sdk/units.ts'
import { createWallet } from '../../../sdk/wallet/createWallet.ts'
import { alice, bob, executions, modelWorld, payee } from '../wallet/model/world.ts'

const stranger = `0x${'77'.repeat(20)}`

async function opened(
  options: { readonly approve?: (approval: Approval) => Promise<boolean>; readonly keys?: Signer } = {},
) {
  const { keys, ...rest } = options
  const world = modelWorld()
  const wallet = await createWallet({ ...world.parts, ...(keys ? { keys } : {}) })
  const ethereum = provider(wallet, rest)
  const ask = (method: string, ...params: readonly unknown[]) => world.clock.until(ethereum.request({ method, params }))
  return { world, wallet, ethereum, ask }
}

async function codeOf(call: Promise<unknown>): Promise<number | string> {
  return call.then(
    (value) => `it answered ${JSON.stringify(value)}`,
    (error) => error.code ?? String(error),
  )
}

const pay = { from: alice.account, to: payee(0x1001), value: '0x3e8' }

describe('the provider', () => {
  it('answers a payment with the hash of what is stored', async () => {
    const { world, wallet, ask } = await opened()
    const hash = await ask('eth_sendTransaction', pay)
    const sent = await world.clock.until(wallet.outstanding())
    expect(sent.transactions.map((one) => one.hash)).toEqual([hash])
    await world.clock.until(sent.settled())
    expect(executions(world, 1)).toBe(1)
  })

  it('counts a pending nonce from the outbox, for its own accounts alone', async () => {
    const { ask } = await opened()
    await ask('eth_sendTransaction', pay)
    expect(await ask('eth_getTransactionCount', alice.account, 'pending')).toBe('0x1')
    expect(await codeOf(ask('eth_getTransactionCount', stranger, 'pending'))).toBe(-32601)
  })

  it('finds what it answered with a hash, though no node has heard of it', async () => {
    const { ask } = await opened()
    const hash = await ask('eth_sendTransaction', pay)
    expect(await ask('eth_getTransactionByHash', hash)).toMatchObject({ hash, ...pay, nonce: '0x0', blockHash: null })
    expect(await ask('eth_getTransactionByHash', `0x${'77'.repeat(32)}`)).toBeNull()
  })

  it('refuses methods that it does not know, and eth_sign above all', async () => {
    const { ask } = await opened()
    for (const method of ['eth_sign', 'eth_signTransaction', 'wallet_sendCalls', 'anvil_setBalance', 'toString'])
      expect(await codeOf(ask(method, alice.account, '0x00'))).toBe(rpcCodes.unsupported)
  })

  it('stays on its chain', async () => {
    const { ask } = await opened()
    expect(await ask('eth_chainId')).toBe('0x539')
    expect(await ask('wallet_switchEthereumChain', { chainId: '0x539' })).toBeNull()
    expect(await codeOf(ask('wallet_switchEthereumChain', { chainId: '0x1' }))).toBe(rpcCodes.unknownChain)
    expect(await codeOf(ask('eth_sendTransaction', { ...pay, chainId: '0x1' }))).toBe(rpcCodes.invalidParams)
  })

  it('signs no typed data for another chain', async () => {
    const { ask } = await opened()
    const data = (id: number) =>
      JSON.stringify({ types: { Mail: [] }, primaryType: 'Mail', domain: { chainId: id }, message: {} })
    expect(await codeOf(ask('eth_signTypedData_v4', alice.account, data(1)))).toBe(rpcCodes.invalidParams)
    expect(await ask('eth_signTypedData_v4', alice.account, data(1337))).toMatch(/^0x[0-9a-f]{130}$/)
  })

  const refusals: readonly [name: string, method: string, params: readonly unknown[], code: number][] = [
    ['no transaction', 'eth_sendTransaction', [], rpcCodes.invalidParams],
    ['a malformed recipient', 'eth_sendTransaction', [{ ...pay, to: '0x12' }], rpcCodes.invalidParams],
    ['a value that is a number', 'eth_sendTransaction', [{ ...pay, value: 5 }], rpcCodes.invalidParams],
    ['half a fee', 'eth_sendTransaction', [{ ...pay, maxFeePerGas: '0x5' }], rpcCodes.invalidParams],
    [
      'both kinds of fees',
      'eth_sendTransaction',
      [{ ...pay, gasPrice: '0x5', maxFeePerGas: '0x5', maxPriorityFeePerGas: '0x1', type: '0x2' }],
      rpcCodes.invalidParams,
    ],
    ['blobs', 'eth_sendTransaction', [{ ...pay, blobVersionedHashes: [] }], rpcCodes.invalidParams],
    ['a type from the future', 'eth_sendTransaction', [{ ...pay, type: '0x5' }], rpcCodes.invalidParams],
    ['a stranger’s account', 'eth_sendTransaction', [{ ...pay, from: stranger }], rpcCodes.unauthorized],
    [
      'more than there is',
      'eth_sendTransaction',
      [{ ...pay, value: '0xffffffffffffffffffff' }],
      rpcCodes.transactionRejected,
    ],
    ['a fee below the base fee', 'eth_sendTransaction', [{ ...pay, gasPrice: '0x1' }], rpcCodes.transactionRejected],
    ['a nonce out of turn', 'eth_sendTransaction', [{ ...pay, nonce: '0x9' }], rpcCodes.transactionRejected],
    ['raw bytes that are none', 'eth_sendRawTransaction', ['hello'], rpcCodes.invalidParams],
    ['raw bytes of nothing', 'eth_sendRawTransaction', ['0x1234'], rpcCodes.invalidParams],
    ['a message by a stranger', 'personal_sign', ['0x1234', stranger], rpcCodes.unauthorized],
    ['a message that is none', 'personal_sign', [5, alice.account], rpcCodes.invalidParams],
    ['typed data that is none', 'eth_signTypedData_v4', [alice.account, '{'], rpcCodes.invalidParams],
    ['an account that is none', 'eth_signTypedData_v4', ['0x12', '{}'], rpcCodes.invalidParams],
  ]
  for (const [name, method, params, code] of refusals)
    it(`refuses ${name} with ${code}, and stores nothing`, async () => {
      const { world, ask } = await opened({ keys: keysOf('only alice') })
      expect(await codeOf(ask(method, ...params))).toBe(code)
      expect(await world.store.keys('')).toEqual([])
    })

  it('says by its code what failed in the world', async () => {
    const failing = async (error: SdkError) => {
      const keys: Signer = { accounts: async () => [alice.account], sign: () => Promise.reject(error) }
      const { ask } = await opened({ keys })
      return codeOf(ask('eth_sendTransaction', pay))
    }
    expect(await failing(new SdkError('signer/refused', 'No.'))).toBe(rpcCodes.userRejected)
    expect(await failing(new SdkError('keys/locked', 'Locked.'))).toBe(rpcCodes.unauthorized)
    expect(await failing(new SdkError('node/unreachable', 'Gone.'))).toBe(rpcCodes.disconnected)
    expect(await failing(new SdkError('store/full', 'Full.'))).toBe(rpcCodes.internal)
    const { wallet, ask } = await opened()
    wallet.close()
    expect(await codeOf(ask('eth_accounts'))).toBe(rpcCodes.disconnected)
  })
})

function keysOf(_who: 'only alice'): Signer {
  const { keys } = modelWorld()
  return {
    accounts: async () => [alice.account],
    sign: async (request) => {
      if (request.account !== alice.account) throw new SdkError('keys/unknown-account', 'Not mine.')
      return keys.sign(request)
    },
  }
}

describe('the provider, asking a person', () => {
  it('discloses nothing and signs nothing before the accounts were requested', async () => {
    const { ask } = await opened({ approve: async () => true })
    expect(await ask('eth_accounts')).toEqual([])
    expect(await codeOf(ask('eth_sendTransaction', pay))).toBe(rpcCodes.unauthorized)
    expect(await codeOf(ask('personal_sign', '0x12', alice.account))).toBe(rpcCodes.unauthorized)
    expect(await ask('eth_requestAccounts')).toEqual([alice.account, bob.account])
    expect(await ask('eth_accounts')).toEqual([alice.account, bob.account])
  })

  it('shows what is to be agreed to, and stops at a no', async () => {
    const asked: Approval[] = []
    const { world, ask } = await opened({
      approve: async (approval) => {
        asked.push(approval)
        return approval.kind === 'accounts'
      },
    })
    await ask('eth_requestAccounts')
    expect(await codeOf(ask('eth_sendTransaction', pay))).toBe(rpcCodes.userRejected)
    expect(await codeOf(ask('personal_sign', '0x6869', alice.account))).toBe(rpcCodes.userRejected)
    expect(asked.slice(1)).toMatchObject([
      { kind: 'transaction', order: { to: payee(0x1001), value: wei(1_000n) } },
      { kind: 'message', message: Uint8Array.of(0x68, 0x69) },
    ])
    expect(await world.store.keys('')).toEqual([])
  })

  it('keeps the accounts to itself after a no', async () => {
    const { ask } = await opened({ approve: async () => false })
    expect(await codeOf(ask('eth_requestAccounts'))).toBe(rpcCodes.userRejected)
    expect(await ask('eth_accounts')).toEqual([])
  })

  it('tells listeners when it connects, and those alone that still listen', async () => {
    const { ethereum, ask } = await opened({ approve: async () => true })
    const heard: unknown[] = []
    const hear = (told: unknown) => heard.push(told)
    const listen = (to: Provider) => {
      to.on('accountsChanged', hear)
      to.on('connect', hear)
      to.on('chainChanged', hear)
      to.removeListener('connect', hear)
    }
    listen(ethereum)
    await ask('eth_requestAccounts')
    await ask('eth_requestAccounts')
    expect(heard).toEqual([[alice.account, bob.account]])
  })
})

describe('orderFromRequest', () => {
  const chain = chainId(1337)

  it('takes what wallets send', () => {
    const list = {
      authorizationList: [{ chainId: '0x1', address: stranger, nonce: '0x0', r: '0x1', s: '0x2', yParity: '0x1' }],
    }
    expect(orderFromRequest(pay, chain)).toMatchObject({ ok: true, value: { type: 'eip1559', accessList: 'auto' } })
    expect(orderFromRequest({ data: '0x60' }, chain)).toMatchObject({ ok: true, value: { to: null, from: null } })
    expect(orderFromRequest({ ...pay, gasPrice: '0x5' }, chain)).toMatchObject({
      value: { type: 'legacy', accessList: 'never' },
    })
    expect(orderFromRequest({ ...pay, gasPrice: '0x5', type: '0x1' }, chain)).toMatchObject({
      value: { type: 'eip2930' },
    })
    expect(orderFromRequest({ ...pay, ...list }, chain)).toMatchObject({
      value: { type: 'eip7702', authorizations: [{ nonce: 0n }] },
    })
    expect(orderFromRequest({ ...pay, to: null, ...list }, chain)).toMatchObject({ ok: false })
  })

  it('never throws, whatever it is given', () => {
    const field = fc.oneof(
      fc.string(),
      fc.constant(null),
      fc.integer(),
      fc.constantFrom('0x', '0x0', '0x1', '0x539', stranger, '0xzz'),
      fc.array(fc.string()),
    )
    const names = [
      'from',
      'to',
      'value',
      'data',
      'input',
      'gas',
      'nonce',
      'type',
      'chainId',
      'gasPrice',
      'maxFeePerGas',
      'maxPriorityFeePerGas',
      'authorizationList',
      'accessList',
    ]
    fc.assert(
      fc.property(fc.oneof(fc.dictionary(fc.constantFrom(...names), field), fc.anything()), (json) => {
        expect(typeof orderFromRequest(json, chain).ok).toBe('boolean')
      }),
      { numRuns: 500 },
    )
  })
})
