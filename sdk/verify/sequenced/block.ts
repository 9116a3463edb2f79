import { accepted, type Decoded, refused } from '../../errors.ts'
import { blockHashOf, decodeHeader, type Header } from '../../evm/block.ts'
import { recoverAccount } from '../../evm/sender.ts'
import { sequencedDigest } from '../../evm/sequenced.ts'
import type { Address, BlockHash } from '../../units.ts'
import type { SequencedVerdict } from '../verdict.ts'

/** A header and the sequencer's signature on it. */
export interface SignedHeader {
  /** In consensus encoding (RLP). */
  readonly header: Uint8Array
  /** 65 bytes: r, s (low), y parity; on `sequencedDigest`. */
  readonly signature: Uint8Array
}

/** A block that the sequencer has signed. Accounts and slots are proven under its state root. */
export interface SequencedBlock {
  readonly hash: BlockHash
  readonly header: Header
  readonly signed: SignedHeader
}

/**
 * That a sequencer stands by a block. Never throws.
 *
 * Funds at risk: it shows who said so, not that the block is valid, nor that it stays: a sequencer can sign two blocks of one
 * number, which {@link isEquivocation} tells, and shows to everybody.
 */
export function verifySequenced(told: {
  readonly chainId: number
  readonly sequencer: Address
  readonly signed: SignedHeader
  readonly sources?: readonly string[]
}): Decoded<{ readonly value: SequencedBlock; readonly verdict: SequencedVerdict }> {
  const { chainId, sequencer, signed, sources = [] } = told
  const header = decodeHeader(signed.header)
  if (!header.ok) return header
  const hash = blockHashOf(signed.header)
  const signer = recoverAccount(sequencedDigest(chainId, hash), signed.signature)
  if (signer !== sequencer) return refused('the sequencer has not signed the block')
  return accepted({
    value: { hash, header: header.value, signed },
    verdict: {
      level: 'sequenced',
      anchor: { kind: 'sequencer', chainId, sequencer },
      block: { number: header.value.number, hash, timestamp: Number(header.value.timestamp) },
      proven: ['sequencer-signature'],
      sources,
    },
  })
}

/** Two blocks of one number, both signed: the sequencer tells different things to different people. */
export function isEquivocation(
  one: Pick<SequencedBlock, 'hash' | 'header'>,
  other: Pick<SequencedBlock, 'hash' | 'header'>,
): boolean {
  return one.header.number === other.header.number && one.hash !== other.hash
}
