import { commitmentNumberOf, obscuringFactor } from '../../../sdk/bitcoin/bolt3/index.ts'
import { decodeTransaction } from '../../../sdk/bitcoin/index.ts'
import {
  type Channel,
  isLive,
  keysOfSide,
  type LiveChannel,
  type Message,
  ownContent,
  type Side,
} from '../../../sdk/channel/penalty/index.ts'
import { knownPreimages } from '../../../sdk/channel/penalty/state.ts'
import { sha256 } from '../../../sdk/crypto/index.ts'
import { sameBytes, type Txid, toHex } from '../../../sdk/units.ts'
import { fail, type World } from '../world.ts'
import type { SideNode } from './node.ts'

/** What an auditor sees who reads both disks and everything that is said. */
export interface Audit {
  readonly world: World
  /** The signature that each side has given for each number of the other's commitments. */
  readonly signed: Map<string, string>
  /** Numbers whose secrets each side has told. */
  readonly told: Readonly<Record<Side, Set<number>>>
  /** Numbers of its own commitments that each side has broadcast. */
  readonly out: Readonly<Record<Side, Set<number>>>
  /** Messages that any carrier can bring again. */
  readonly said: { readonly to: Side; readonly bytes: Uint8Array }[]
  readonly fundingTxids: Set<Txid>
  /** Finished updates. */
  updates: number
}

export function createAudit(world: World): Audit {
  const numbers = () => ({ opener: new Set<number>(), accepter: new Set<number>() })
  return { world, signed: new Map(), told: numbers(), out: numbers(), said: [], fundingTxids: new Set(), updates: 0 }
}

/** After a record was stored. */
export function auditStored({ world, told }: Audit, node: SideNode, channel: Channel): void {
  if (!isLive(channel) || node.isHostile) return
  if (told[node.side].has(ownContent(channel).number) && channel.phase !== 'behind' && channel.origin !== 'backup')
    fail(world, `TW11: the ${node.side} holds a commitment that it has revoked`)
}

/** Before a message leaves. */
export function auditSend(audit: Audit, node: SideNode, message: Message): void {
  const { world, signed, told, out } = audit
  if (node.isHostile) return
  const stored = node.stored
  if (message.type === 'commit' || message.type === 'answer') {
    const key = `${node.side} ${message.number}`
    const signature = toHex(message.signatures.signature)
    const known = signed.get(key)
    if (known !== undefined && known !== signature) fail(world, `TW13: the ${key} is signed for two contents`)
    if (known === undefined) audit.updates += 1
    signed.set(key, signature)
    const exchange = stored && isLive(stored) ? stored.exchange : null
    const next = exchange && exchange.state !== 'idle' ? exchange.next.number : -1
    // What was said before may be said again later: a repetition that waited for a copy leaves when the exchange has ended.
    if (known === undefined && next !== message.number) fail(world, `TW12: the ${node.side} signed what is not stored`)
  }
  if (message.type === 'answer' || message.type === 'revoke') {
    told[node.side].add(message.number - 1)
    if (out[node.side].has(message.number - 1))
      fail(world, `TW32: the ${node.side} revokes commitment ${message.number - 1}, which it has broadcast`)
    if (!stored || !isLive(stored) || ownContent(stored).number < message.number)
      fail(world, `TW10: the ${node.side} told a secret before the next commitment was stored`)
    if (stored && (stored.phase === 'ending' || stored.phase === 'behind') && message.type === 'answer')
      fail(world, `TW32: the ${node.side} told a secret while it was closing`)
  }
  if ((message.type === 'closing' || message.type === 'closed') && stored?.phase !== 'closing')
    fail(world, `TW31: the ${node.side} signed a closing before it was sure of the end`)
}

/** Before a transaction leaves. */
export function auditBroadcast({ world, told, out }: Audit, node: SideNode, transaction: Uint8Array): void {
  const { stored } = node
  if (node.isHostile || !stored || !isLive(stored)) return
  const number = commitmentIn(stored, transaction)
  if (number === undefined) return
  out[node.side].add(number)
  if (told[node.side].has(number))
    fail(world, `TW11: the ${node.side} broadcasts commitment ${number}, which it has revoked`)
  if (stored.phase !== 'ending') fail(world, `TW32: the ${node.side} broadcasts its commitment before it was decided`)
}

/** After a side has looked at a block: what it can take is not left to the other's good will until others can have it. */
export function auditDeadlines({ world }: Audit, { side }: SideNode, channel: LiveChannel, tip: number): void {
  if (channel.phase !== 'open' || channel.origin === 'backup') return
  const takeable = knownPreimages(channel).map((preimage) => sha256(preimage))
  for (const { by, expiry, paymentHash } of ownContent(channel).htlcs)
    if (by !== side && tip >= expiry && takeable.some((hash) => sameBytes(hash, paymentHash)))
      fail(world, `TW33: the ${side} lets an HTLC expire that it can take`)
}

/** The number of a commitment: who broadcasts one has both signatures, so it is its own. */
function commitmentIn({ opening }: LiveChannel, bytes: Uint8Array): number | undefined {
  const decoded = decodeTransaction(bytes)
  const factor = obscuringFactor(keysOfSide(opening, 'opener').payment, keysOfSide(opening, 'accepter').payment)
  const spendsFunding = decoded.ok && decoded.value.inputs[0]?.outpoint.txid === opening.funding.txid
  return spendsFunding ? commitmentNumberOf(decoded.value, factor) : undefined
}
