import { setImmediate } from 'node:timers/promises'
import type { Prepared, Pricing, Signed } from '../../../../../sdk/evm/index.ts'
import { type TxHash, wei } from '../../../../../sdk/units.ts'
import { poolError, readSigned, standingFault, syncErrors } from '../admission.ts'
import { nextBaseFee } from '../fees.ts'
import { syncMsDefault, syncMsMax } from '../limits.ts'
import { type CallWish, countOf } from '../params.ts'
import { type Answer, codes, type Methods, method, no, type RpcError, told } from '../rpc.ts'
import { receiptJson } from '../shapes.ts'
import { estimateGas } from '../simulate.ts'
import { headState, type NodeWorld, stageAt, standingOf } from '../world.ts'

/** What lets transactions in. */
export function sendMethods(world: NodeWorld): Methods {
  const { archive, unlocked } = world
  return {
    eth_accounts: () => told([...unlocked.keys()]),
    eth_sendRawTransaction: method(
      (params) => params.bytes(0),
      async (raw) => {
        const admitted = await admitRaw(world, raw)
        return admitted.ok ? told(admitted.hash) : { error: admitted.error }
      },
    ),
    eth_sendRawTransactionSync: method(
      (params) => ({ raw: params.bytes(0), timeoutMs: timeoutOf(params.raw(1)) }),
      async ({ raw, timeoutMs }) => {
        const admitted = await admitRaw(world, raw)
        if (!admitted.ok && admitted.error.message !== poolError('already-known').message)
          return { error: admitted.error }
        return receiptOf(world, admitted.hash, timeoutMs)
      },
    ),
    eth_sendTransaction: method(
      (params) => params.call(0),
      async (wish) => {
        const signer = wish.from && unlocked.get(wish.from)
        if (!signer) return no(codes.server, 'unknown account')
        const prepared = prepareFor(world, wish)
        if ('code' in prepared) return { error: prepared }
        const admitted = await admit(world, signer(prepared))
        return admitted.ok ? told(admitted.hash) : { error: admitted.error }
      },
    ),
  }

  /** The receipt once there is one (EIP-7966), or why there is none yet. */
  async function receiptOf({ pool, producer }: NodeWorld, hash: TxHash, timeoutMs: number): Promise<Answer> {
    const waits = pool.get(hash)
    if (waits) {
      const { from, nonce } = waits.prepared
      const next = pool.nextNonce(from, headState(world).account(from)?.nonce ?? 0n)
      if (BigInt(nonce) > next) return { error: syncErrors.gap(next) }
    }
    const fate = await producer.fate(hash, timeoutMs)
    const position = archive.find(hash)
    if (position) return told(receiptJson(position))
    return { error: fate === 'dropped' ? syncErrors.unready(hash) : syncErrors.late(hash, timeoutMs) }
  }
}

type Admitted =
  | { readonly ok: true; readonly hash: TxHash }
  | { readonly ok: false; readonly hash: TxHash; readonly error: RpcError }

const noHash = `0x${'00'.repeat(32)}` as TxHash

async function admitRaw(world: NodeWorld, raw: Uint8Array): Promise<Admitted> {
  await setImmediate() // A signature costs a millisecond: others get their turn in between.
  const read = readSigned(raw, world)
  return read.ok ? admit(world, read.signed) : { ok: false, hash: noHash, error: read.error }
}

/** Judges a transaction by chain and pool, and stores it when it may wait. Known ones are known, also from blocks. */
async function admit(world: NodeWorld, signed: Signed): Promise<Admitted> {
  const { archive, pool, producer } = world
  const { hash, prepared } = signed
  const refused = (error: RpcError): Admitted => ({ ok: false, hash, error })
  if (archive.find(hash)) return refused(poolError('already-known'))
  const known = pool.refusal(signed)
  if (known === 'already-known') return refused(poolError(known))
  const fault = standingFault(signed, standingOf(world, prepared.from))
  if (fault) return refused(fault)
  if (known) return refused(poolError(known))
  const late = await producer.pool(signed)
  return late ? refused(poolError(late)) : { ok: true, hash }
}

/** EIP-7966: a timeout that is not valid counts as left out. */
function timeoutOf(json: unknown): number {
  const timeoutMs = countOf(json)
  return timeoutMs !== undefined && timeoutMs >= 1 && timeoutMs <= syncMsMax ? timeoutMs : syncMsDefault
}

const tip = 1_000_000_000n

/** What an account that the node signs for would send: what is left out is filled in. */
function prepareFor(world: NodeWorld, wish: CallWish): Prepared | RpcError {
  const stage = stageAt(world, { kind: 'tag', tag: 'pending' })
  if ('error' in stage) return stage.error
  const { from, to, value, data } = wish
  if (!from) return no(codes.params, 'Invalid parameters: from is missing').error
  const nonce = wish.nonce ?? world.pool.nextNonce(from, stage.state.account(from)?.nonce ?? 0n)
  const estimated = wish.gas === undefined ? estimateGas(stage, wish, world.fork) : { ok: true as const, gas: wish.gas }
  if (!estimated.ok) return estimated.error
  const { chainId } = world
  const call = { chainId, from, to, value: wei(value), data, nonce: Number(nonce), gas: estimated.gas }
  return { stage: 'prepared', ...call, pricing: pricingOf(world, wish) }
}

function pricingOf({ archive }: NodeWorld, wish: CallWish): Pricing {
  const { accessList, authorizations, gasPrice } = wish
  if (gasPrice !== undefined) return { type: 'eip2930', gasPrice: wei(gasPrice), accessList }
  const maxPriorityFeePerGas = wei(wish.maxPriorityFeePerGas ?? tip)
  const cap = wish.maxFeePerGas ?? 2n * nextBaseFee(archive.head().block.header) + maxPriorityFeePerGas
  const market = { maxFeePerGas: wei(cap), maxPriorityFeePerGas, accessList }
  return authorizations.length > 0 ? { type: 'eip7702', ...market, authorizations } : { type: 'eip1559', ...market }
}
