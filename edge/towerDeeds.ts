import { decodeSealed, sealedParts, stateKey } from '../sdk/channel/tower/wire.ts'
import type { Txid } from '../sdk/units.ts'
import type { BitcoinSources } from './bitcoinSource.ts'
import { readOutpoint } from './outpoint.ts'
import type { Opened, TowerEffect, TowerEvent } from './tower.ts'
import type { TowerStateRow } from './towerRows.ts'

/** What the tower's effects are done with. */
export interface TowerWorld {
  /** Throws `node/unreachable` when the operator has taken the network away. */
  readonly bitcoin: () => BitcoinSources
  readonly feed: (event: TowerEvent) => void
  readonly now: () => number
}

/** Does one effect of the tower's step and feeds back what came of it. Throws when the world fails. */
export async function doForTower(effect: TowerEffect, { bitcoin, feed, now }: TowerWorld): Promise<void> {
  switch (effect.type) {
    case 'look':
      feed({ type: 'sighted', sighting: await bitcoin().watch(effect.outpoints), now: now() })
      return
    case 'open': {
      const outputs = await openStates(effect.txid as Txid, effect.states)
      feed({ type: 'opened', txid: effect.txid, outputs, now: now() })
      return
    }
    case 'broadcast':
      await bitcoin().broadcast(effect.transaction)
      return
  }
}

/** WT5: opens what was left for a transaction. What does not open, or is no transaction, is passed over. */
async function openStates(txid: Txid, states: readonly TowerStateRow[]): Promise<readonly Opened[]> {
  const key = await crypto.subtle.importKey('raw', Uint8Array.from(stateKey(txid)), 'AES-GCM', false, ['decrypt'])
  const opened: Opened[] = []
  for (const { sealed } of states) {
    const state = decodeSealed(sealed)
    if (!state.ok) continue
    for (const rungs of state.value.outputs) {
      const transactions: Uint8Array[] = []
      for (const rung of rungs) {
        const transaction = await open(key, rung, state.value.hint)
        if (transaction) transactions.push(transaction)
      }
      const input = transactions[0] && readOutpoint(transactions[0])
      if (input?.ok && input.value.txid === txid) opened.push({ input: input.value, transactions })
    }
  }
  return opened
}

async function open(key: CryptoKey, sealed: Uint8Array, hint: Uint8Array): Promise<Uint8Array | undefined> {
  const { nonce, ciphertext } = sealedParts(sealed)
  try {
    const way = { name: 'AES-GCM', iv: Uint8Array.from(nonce), additionalData: Uint8Array.from(hint), tagLength: 128 }
    return new Uint8Array(await crypto.subtle.decrypt(way, key, Uint8Array.from(ciphertext)))
  } catch {
    return undefined // A tag that does not fit: it was not left for this transaction.
  }
}
