import { systemRandom, webCipher } from '../../sdk/adapters/index.ts'
import { InvariantError, invariant } from '../../sdk/errors.ts'
import { type Fork, type Token, transfer } from '../../sdk/evm/index.ts'
import type { EvmNode, Relay, Store } from '../../sdk/ports.ts'
import type { Address, ChainId } from '../../sdk/units.ts'
import type { Claim } from '../../sdk/verify/index.ts'
import { createVault, createWallet, type Order, openVault, type Sent } from '../../sdk/wallet/index.ts'
import { deployToken, fundAccounts } from './furnish.ts'
import { progress } from './progress.ts'

const accountsCount = 50
const transfersCount = 500
/** Accounts that pay one another. Nothing joins two groups, so a window has a lane for each that is in it. */
const groupSize = 5
const tokensEach = 1_000_000_000n
/** The walk's password. Its wallet is made for the walk, holds nothing of worth, and ends with it. */
const walkPassword = 'published password of the walk, for nothing else'

/** What the walk did, counted from what the wallet has proven itself. */
export interface Walked {
  readonly sent: number
  readonly included: number
  readonly receipts: number
  readonly inclusions: number
  readonly sendSeconds: number
  readonly settleSeconds: number
}

/** What the walk is done with. */
export interface WalkWorld {
  readonly store: Store
  readonly relay: Relay
  readonly evm: EvmNode
  readonly chain: { readonly id: ChainId; readonly fork: Fork }
}

/**
 * The main job, from a fresh mnemonic to verified receipts: 500 token transfers of fifty accounts, signed, stored,
 * sent through the edge, included by the node, and each proven against its block.
 */
export async function walk(world: WalkWorld): Promise<Walked> {
  const { store, evm } = world
  const cipher = webCipher()
  const making = progress('Vault, token and fifty accounts', 3)
  making.advance(0)
  const made = await createVault({
    store,
    cipher,
    random: systemRandom,
    password: walkPassword,
    accounts: accountsCount,
  })
  made.lock()
  // Opened again from the store, as any later start of a wallet would.
  const keys = await openVault({ store, cipher, random: systemRandom, password: walkPassword })
  making.advance(1)
  const accounts = await keys.accounts()
  making.advance(2)
  const token = await deployToken(evm)
  await fundAccounts(evm, token, accounts, tokensEach)
  making.finish(`ERC-20 at ${token}`)

  const wallet = await createWallet({ ...world, keys })
  try {
    const began = Date.now()
    const sending = progress('Quoted, signed and stored', transfersCount)
    sending.advance(0)
    const sent = await wallet.send(transfers({ address: token, decimals: 18, symbol: 'LUSD' }, accounts))
    const [refusal] = sent.refused
    if (refusal) throw new InvariantError(`The wallet refused the walk: ${refusal.code}, ${refusal.detail}`)
    sending.finish(`in ${sent.batches.length} batches`)
    const stored = Date.now()
    await show(sent)
    const settled = await countSettled(sent)
    return { ...settled, sendSeconds: (stored - began) / 1000, settleSeconds: (Date.now() - stored) / 1000 }
  } finally {
    wallet.close()
    keys.lock()
  }
}

/** Everyone pays the neighbours of the own group in turn. */
function transfers(token: Token, accounts: readonly Address[]): readonly Order[] {
  return Array.from({ length: transfersCount }, (_, index) => {
    const payer = index % accounts.length
    const group = payer - (payer % groupSize)
    const round = Math.floor(index / accounts.length)
    const payee = group + ((payer - group + 1 + (round % (groupSize - 1))) % groupSize)
    const [from, to] = [accounts[payer], accounts[payee]]
    invariant(from && to && from !== to, 'every transfer has two accounts')
    return { ...transfer(token, to, BigInt(1_000 + index)), from }
  })
}

/** Two bars until everything has ended: what the edge has taken, and what the wallet has proven. */
async function show(sent: Sent): Promise<void> {
  const total = sent.transactions.length
  const carried = progress('Taken in by the executor', total)
  const states = new Map<string, string>()
  let isCarried = false
  let proving = undefined as ReturnType<typeof progress> | undefined
  carried.advance(0)
  for await (const { hash, state } of sent.progress()) {
    states.set(hash, state)
    const reached = [...states.values()]
    const taken = reached.filter((one) => one === 'accepted' || one === 'included').length
    const proven = reached.filter((one) => one === 'included').length
    if (!isCarried) carried.advance(taken)
    if (!isCarried && taken === total) {
      isCarried = true
      carried.finish('by lanes')
      proving = progress('Included, proven by the wallet', total)
    }
    proving?.advance(proven)
  }
  proving?.finish('transaction and receipt, by trie proof')
}

async function countSettled(sent: Sent): Promise<Pick<Walked, 'sent' | 'included' | 'receipts' | 'inclusions'>> {
  const outcomes = await sent.settled()
  const proven = outcomes.flatMap((outcome) => (outcome.state === 'included' ? [outcome.inclusion] : []))
  const covers = (claim: Claim) => proven.filter(({ verdict }) => verdict.proven.includes(claim)).length
  return {
    sent: sent.transactions.length,
    included: proven.filter(({ value }) => value.receipt.outcome === 'succeeded').length,
    receipts: covers('receipt-inclusion'),
    inclusions: covers('transaction-inclusion'),
  }
}
