import { currentEngine } from '../../crypto/engine.ts'
import { quantity, type RlpItem } from '../../rlp.ts'
import { asFixed, asList, asMsats, asNumber, asOptional } from '../fields.ts'
import { parcelBytes } from '../hub/push.ts'
import type { Aside, Way } from './messages.ts'

/** A day of blocks and more: longer no hub asks for. */
const blocksMax = 2_016
/** Most that an invoice can say of a fee, in millisatoshi: four bytes. */
const feeMax = 2n ** 32n - 1n

/** A word beside a channel as an item of its message. [TW45] */
export function asideItem(aside: Aside): RlpItem {
  const { paymentHash } = aside
  switch (aside.type) {
    case 'order':
      return [paymentHash]
    case 'ordered':
      return [paymentHash, aside.way ? wayItem(aside.way) : []]
    default:
      return [paymentHash, aside.payee, aside.parcel]
  }
}

/** Reads what {@link asideItem} wrote; nothing when it is malformed. */
export function asideFrom(type: Aside['type'], item: RlpItem | undefined): Aside | undefined {
  const parts = asList(item, { order: 1, ordered: 2, push: 3 }[type])
  const paymentHash = asFixed(parts?.[0], 32)
  if (!paymentHash) return undefined
  switch (type) {
    case 'order':
      return { type, paymentHash }
    case 'ordered': {
      const way = asOptional(parts?.[1], wayFrom)
      return way === undefined ? undefined : { type, paymentHash, way }
    }
    default: {
      const [payee, parcel] = [asFixed(parts?.[1], 33), asFixed(parts?.[2], parcelBytes)]
      return payee && parcel && { type, paymentHash, payee, parcel }
    }
  }
}

function wayItem({ node, fee, deltaBlocks, leftBlocks }: Way): RlpItem {
  return [node, quantity(fee), quantity(deltaBlocks), quantity(leftBlocks)]
}

function wayFrom(item: RlpItem | undefined): Way | undefined {
  const parts = asList(item, 4)
  const [node, fee] = [asFixed(parts?.[0], 33), asMsats(parts?.[1])]
  const [deltaBlocks, leftBlocks] = [asNumber(parts?.[2], blocksMax), asNumber(parts?.[3], blocksMax)]
  if (!node || !currentEngine().isPublicKey(node)) return undefined
  return fee === undefined || fee > feeMax || deltaBlocks === undefined || leftBlocks === undefined
    ? undefined
    : { node, fee, deltaBlocks, leftBlocks }
}
