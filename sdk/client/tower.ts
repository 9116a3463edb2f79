import type { RevokedState } from '../channel/tower/justice.ts'
import { decodeReceipt, type TowerReceipt } from '../channel/tower/receipt.ts'
import { encodeSealed, hintOf, type SealedState, sealedBytes, sealNonce, stateKey } from '../channel/tower/wire.ts'
import { SdkError } from '../errors.ts'
import type { Cipher, SignedReceipt, TowerLink } from '../ports.ts'
import type { Hex } from '../units.ts'

/** What a tower client is made of. */
export interface TowerClientParts {
  readonly link: TowerLink
  readonly cipher: Cipher
  /** The name that the link goes by, 32 bytes. */
  readonly tower: Hex
  /** The tower's public key, 33 bytes, pinned. */
  readonly key: Uint8Array
  /** The channel's funding. */
  readonly funding: { readonly txid: string; readonly index: number }
}

/** One channel's tower, whose every receipt is proven. Throws as the link does, and `relay/nonsense` for a receipt that is none. */
export interface TowerClient {
  /** Has the channel watched; `first` is the number of the first state that will be left. */
  readonly register: (first: number) => Promise<TowerReceipt>
  /** Seals a revoked state and leaves it. The receipt covers it, or this throws. Equal states may be left again. */
  readonly keep: (state: RevokedState) => Promise<TowerReceipt>
  /** What the tower keeps and has seen, as of now. */
  readonly standing: () => Promise<TowerReceipt>
}

/**
 * Leaves justice with a tower.
 *
 * Funds at risk: a state that was revoked and not left is punished by its owner alone. Store what `revokedBy` gives in the same commit
 * as the step that revoked it, and drop it only when `keep` has given a receipt.
 */
export function createTowerClient({ link, cipher, tower, key, funding }: TowerClientParts): TowerClient {
  const proven = (told: SignedReceipt): TowerReceipt => {
    const receipt = decodeReceipt(told.bytes, told.signature, key)
    if (!receipt.ok) throw nonsense(receipt.reason)
    const { value } = receipt
    if (value.tower !== tower || value.funding.txid !== funding.txid || value.funding.index !== funding.index)
      throw nonsense('the receipt is of another channel')
    return value
  }
  return {
    register: async (first) => proven(await link.register({ funding, first })),
    keep: async (state) => {
      const bytes = encodeSealed(await sealState(state, cipher))
      const receipt = proven(await link.keep({ number: state.number, bytes }))
      if (receipt.first > state.number || receipt.next <= state.number)
        throw nonsense('the receipt leaves the state out')
      return receipt
    },
    standing: async () => proven(await link.standing()),
  }
}

/** A state as a tower may have it: opened by nobody who has not seen the revoked commitment's txid. */
async function sealState({ number, txid, outputs }: RevokedState, cipher: Cipher): Promise<SealedState> {
  const key = stateKey(txid)
  const hint = hintOf(txid)
  const seal = async (bytes: Uint8Array) => {
    const nonce = sealNonce(key, bytes)
    return sealedBytes(nonce, await cipher.seal({ key, nonce, bytes, associated: hint }))
  }
  return { number, hint, outputs: await Promise.all(outputs.map((rungs) => Promise.all(rungs.map(seal)))) }
}

function nonsense(why: string): SdkError {
  return new SdkError('relay/nonsense', `The tower answered nonsense: ${why}.`)
}
