import { createHash } from 'node:crypto'
import type { Sats } from '../../../sdk/units.ts'
import { compactSize, littleEndian, outputBytes } from './block.ts'
import { coinbaseMaturity } from './consensus.ts'
import type { Outpoint } from './transaction.ts'

/** OP_TRUE: rewards go to a script that anybody can spend, since regtest coins need no key. */
const openScript = Uint8Array.of(0x51)
/** Output script of all rewards: P2WSH of OP_TRUE. */
export const minerScript = Uint8Array.of(0, 32, ...createHash('sha256').update(openScript).digest())

/** A reward, or what is left of one. */
export interface Reward {
  readonly outpoint: Outpoint
  readonly value: bigint
  readonly height: number
  readonly coinbase: boolean
}

const fee = 1_000n
/** Least change that is worth an output. */
const changeMin = 1_000n

/**
 * Pays a script out of the first reward that is mature and large enough; the payment is its output 0.
 *
 * @param nextHeight - Of the block that the payment could be in.
 * @returns The signed transaction and what it spends, or nothing without such a reward.
 */
export function payFrom(
  rewards: Iterable<Reward>,
  { script, value, nextHeight }: { readonly script: Uint8Array; readonly value: Sats; readonly nextHeight: number },
): { readonly raw: Uint8Array; readonly reward: Reward } | undefined {
  for (const reward of rewards) {
    const change = reward.value - value - fee
    if (change < changeMin || (reward.coinbase && nextHeight - reward.height < coinbaseMaturity)) continue
    const outputs = [
      { script, value },
      { script: minerScript, value: change },
    ]
    return { raw: spendReward(reward.outpoint, outputs), reward }
  }
  return undefined
}

function spendReward(
  { txid, index }: Outpoint,
  outputs: readonly { readonly script: Uint8Array; readonly value: bigint }[],
): Uint8Array {
  return Uint8Array.of(
    // Version, the mark of a witness (BIP-144), one input that may be replaced.
    ...[2, 0, 0, 0, 0, 1, 1],
    ...[...Buffer.from(txid, 'hex').reverse(), ...littleEndian(BigInt(index), 4), 0, 0xfd, 0xff, 0xff, 0xff],
    ...[...compactSize(outputs.length), ...outputs.flatMap((output) => [...outputBytes(output)])],
    ...[1, openScript.length, ...openScript],
    ...[0, 0, 0, 0],
  )
}
