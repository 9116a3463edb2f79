import { decodeTypedData, type TypedData } from '../evm/index.ts'
import { pooledTransactionJson } from '../evm/transactionJson.ts'
import { readWire } from '../evm/wire.ts'
import { type Address, address, fromHex, isHex, type TxHash } from '../units.ts'
import type { Order, Wallet } from '../wallet/index.ts'
import { orderFromRequest } from './request.ts'
import { refusalError, rpcCodes, rpcError, toRpcError } from './rpcError.ts'

/** What a program asks a person to agree to. */
export type Approval =
  | { readonly kind: 'accounts' }
  | { readonly kind: 'transaction'; readonly order: Order }
  | { readonly kind: 'raw-transaction'; readonly bytes: Uint8Array }
  | { readonly kind: 'message'; readonly account: Address; readonly message: Uint8Array }
  | { readonly kind: 'typed-data'; readonly account: Address; readonly data: TypedData }

export interface ProviderOptions {
  /**
   * Asked before anything is disclosed, signed or sent.
   *
   * Funds at risk: without it, whoever holds the provider can spend. Leave it out inside one's own program only.
   */
  readonly approve?: (approval: Approval) => Promise<boolean>
}

export type ProviderEvent = 'accountsChanged' | 'chainChanged' | 'connect' | 'disconnect' | 'message'

/** What EIP-1193 calls a provider. */
export interface Provider {
  readonly request: (asked: { readonly method: string; readonly params?: unknown }) => Promise<unknown>
  readonly on: (event: ProviderEvent, listener: (told: unknown) => void) => void
  readonly removeListener: (event: ProviderEvent, listener: (told: unknown) => void) => void
}

/** Reads that go to the wallet's node as they are; their answers are not proven. */
const reads: ReadonlySet<string> = new Set([
  'eth_blobBaseFee',
  'eth_blockNumber',
  'eth_call',
  'eth_createAccessList',
  'eth_estimateGas',
  'eth_feeHistory',
  'eth_gasPrice',
  'eth_getBalance',
  'eth_getBlockByHash',
  'eth_getBlockByNumber',
  'eth_getBlockReceipts',
  'eth_getBlockTransactionCountByHash',
  'eth_getBlockTransactionCountByNumber',
  'eth_getCode',
  'eth_getLogs',
  'eth_getProof',
  'eth_getStorageAt',
  'eth_getTransactionByBlockHashAndIndex',
  'eth_getTransactionByBlockNumberAndIndex',
  'eth_getTransactionCount',
  'eth_getTransactionReceipt',
  'eth_maxPriorityFeePerGas',
  'eth_simulateV1',
  'eth_syncing',
  'net_version',
  'web3_clientVersion',
])

/**
 * A wallet as an EIP-1193 provider, for programs that know Ethereum and not this library.
 *
 * Transactions go through the outbox: what is answered with a hash is stored, and sent until it is decided. Reads go
 * to the wallet's node. Everything else is refused with 4200, `eth_sign` above all. Errors carry the codes of EIP-1193
 * and JSON-RPC.
 */
export function provider(wallet: Wallet, { approve }: ProviderOptions = {}): Provider {
  const session: Session = { wallet, approve, isConnected: approve === undefined, listeners: new Map() }
  return {
    request: async ({ method, params }) => {
      try {
        return await answer(session, method, Array.isArray(params) ? params : [])
      } catch (error) {
        throw toRpcError(error)
      }
    },
    on: (event, listener) => {
      const listeners = session.listeners.get(event) ?? new Set()
      session.listeners.set(event, listeners.add(listener))
    },
    removeListener: (event, listener) => {
      session.listeners.get(event)?.delete(listener)
    },
  }
}

interface Session {
  readonly wallet: Wallet
  readonly approve: ProviderOptions['approve']
  /** Whether the program may know the accounts. */
  isConnected: boolean
  readonly listeners: Map<ProviderEvent, Set<(told: unknown) => void>>
}

async function answer(session: Session, method: string, params: readonly unknown[]): Promise<unknown> {
  const { wallet } = session
  switch (method) {
    case 'eth_chainId':
      return quantity(wallet.chain.id)
    case 'eth_accounts':
      return session.isConnected ? wallet.accounts() : []
    case 'eth_requestAccounts':
      return connect(session)
    case 'eth_sendTransaction':
      return sendTransaction(session, params[0])
    case 'eth_sendRawTransaction':
      return sendRawTransaction(session, params[0])
    case 'personal_sign':
      return personalSign(session, params)
    case 'eth_signTypedData_v4':
      return signTypedData(session, params)
    case 'wallet_switchEthereumChain':
      return switchChain(session, params[0])
    case 'eth_getTransactionCount':
      return transactionCount(session, params)
    case 'eth_getTransactionByHash':
      return transactionByHash(session, params)
    default:
      if (reads.has(method)) return wallet.request(method, params)
      throw rpcError(rpcCodes.unsupported, `${method} is not offered.`)
  }
}

async function connect(session: Session): Promise<readonly Address[]> {
  const { wallet, listeners } = session
  if (session.isConnected) return wallet.accounts()
  await agree(session, { kind: 'accounts' })
  session.isConnected = true
  const accounts = await wallet.accounts()
  for (const tell of listeners.get('connect') ?? []) tell({ chainId: quantity(wallet.chain.id) })
  for (const tell of listeners.get('accountsChanged') ?? []) tell(accounts)
  return accounts
}

async function sendTransaction(session: Session, json: unknown): Promise<string> {
  const { wallet } = session
  const order = orderFromRequest(json, wallet.chain.id)
  if (!order.ok) throw rpcError(rpcCodes.invalidParams, `The transaction cannot be read: ${order.reason}.`)
  await agree(session, { kind: 'transaction', order: order.value })
  return hashOf(await wallet.send([order.value]))
}

async function sendRawTransaction(session: Session, json: unknown): Promise<string> {
  if (!isHex(json)) throw rpcError(rpcCodes.invalidParams, 'The transaction is not hexadecimal.')
  const bytes = fromHex(json)
  await agree(session, { kind: 'raw-transaction', bytes })
  return hashOf(await session.wallet.sendSigned(bytes))
}

function hashOf({ refused, transactions }: Awaited<ReturnType<Wallet['send']>>): string {
  const [refusal] = refused
  const [sent] = transactions
  if (refusal || !sent) throw refusal ? refusalError(refusal) : rpcError(rpcCodes.internal, 'Nothing was sent.')
  return sent.hash
}

async function personalSign(session: Session, [text, by]: readonly unknown[]): Promise<string> {
  const account = accountOf(by)
  if (typeof text !== 'string') throw rpcError(rpcCodes.invalidParams, 'The message is not text.')
  // By convention the message is hexadecimal; what is not, is taken as it reads.
  const message = isHex(text) ? fromHex(text) : new TextEncoder().encode(text)
  await agree(session, { kind: 'message', account, message })
  return session.wallet.signMessage(account, message)
}

async function signTypedData(session: Session, [by, json]: readonly unknown[]): Promise<string> {
  const account = accountOf(by)
  const data = decodeTypedData(json)
  if (!data.ok) throw rpcError(rpcCodes.invalidParams, `The typed data cannot be read: ${data.reason}.`)
  const { chainId } = data.value.domain
  if (chainId !== undefined && chainId !== BigInt(session.wallet.chain.id))
    throw rpcError(rpcCodes.invalidParams, `The typed data is not for chain ${session.wallet.chain.id}.`)
  await agree(session, { kind: 'typed-data', account, data: data.value })
  return session.wallet.signTypedData(account, data.value)
}

async function switchChain({ wallet }: Session, json: unknown): Promise<null> {
  const { chainId } = (json ?? {}) as { readonly chainId?: unknown }
  if (chainId === quantity(wallet.chain.id)) return null
  throw rpcError(rpcCodes.unknownChain, `This wallet is for chain ${wallet.chain.id}.`)
}

/** The node does not know what the outbox holds; counting on it alone would give a nonce twice. */
async function transactionCount({ wallet }: Session, params: readonly unknown[]): Promise<unknown> {
  const [by, tag] = params
  if (tag === 'pending' && isHex(by, 20) && (await wallet.accounts()).includes(address(by)))
    return quantity(await wallet.nextNonce(address(by)))
  return wallet.request('eth_getTransactionCount', params)
}

/** What was answered with a hash is found under it at once, also while no node has heard of it. */
async function transactionByHash({ wallet }: Session, params: readonly unknown[]): Promise<unknown> {
  const known = await wallet.request('eth_getTransactionByHash', params)
  const [json] = params
  if (known !== null || !isHex(json, 32)) return known
  const hash = json.toLowerCase() as TxHash
  const stored = await wallet.stored(hash)
  if (!stored) return null
  const wire = readWire(stored.bytes)
  return wire.ok ? pooledTransactionJson(wire.value, { hash, from: stored.from }) : null
}

async function agree({ approve, isConnected }: Session, approval: Approval): Promise<void> {
  if (!isConnected && approval.kind !== 'accounts')
    throw rpcError(rpcCodes.unauthorized, 'The accounts were not requested yet.')
  if (approve && !(await approve(approval))) throw rpcError(rpcCodes.userRejected, 'The request was rejected.')
}

function accountOf(json: unknown): Address {
  if (!isHex(json, 20)) throw rpcError(rpcCodes.invalidParams, 'The account is malformed.')
  return address(json)
}

function quantity(value: number): string {
  return `0x${value.toString(16)}`
}
