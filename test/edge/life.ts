import type { Address } from '../../sdk/units.ts'
import { same } from '../contracts/contract.ts'
import { checkWorld } from './laws.ts'
import { type Faults, itemOf, randomOf, senders, type World } from './world.ts'

/** Everything goes wrong, often. */
export const hostile: Faults = {
  loss: 60,
  double: 60,
  crash: 15,
  dropBefore: 40,
  dropAfter: 40,
  amnesia: 3,
  reorg: 25,
  gibberish: 20,
  quick: 100,
}

/** Wallets that send, send again, replace, leave gaps and run out of money. */
export async function live(world: World, seed: number, acts: number): Promise<void> {
  const random = randomOf(seed ^ 0x5eed)
  const pick = <item>(items: readonly item[]) => items[Math.floor(random() * items.length)] as item
  const nonces = new Map(senders.map((sender) => [sender, 0]))
  const sent: ReturnType<typeof itemOf>[] = []
  for (let at = 0; at < acts; at++) {
    if (random() < 0.06) {
      const sender = pick(senders)
      const first = nonces.get(sender) ?? 0
      const count = 1 + Math.floor(random() * 4)
      const items = Array.from({ length: count }, (_, index) =>
        itemOf({ sender, nonce: first + index, salt: seed, source: random() < 0.1 ? 'unknown' : 'declared' }),
      )
      nonces.set(sender, first + count)
      // Some of them get lost before they reach the edge, and come later.
      const late = random() < 0.2 ? items.splice(0, 1) : []
      sent.push(...items, ...late)
      if (items.length > 0) void world.submit(items)
    }
    if (random() < 0.1 && sent.length > 0) void world.submit([pick(sent)])
    if (random() < 0.3) fillGap(world, sent, pick(senders))
    if (random() < 0.05 && sent.length > 0) {
      const old = pick(sent)
      const fee = (old.maxFeePerGas * (random() < 0.7 ? 12n : 10n)) / 10n + 1n
      const next = itemOf({ sender: old.sender, nonce: old.nonce, fee, salt: seed + at })
      sent.push(next)
      void world.submit([next])
    }
    if (random() < 0.03 && sent.length > 0) void world.cancel(pick(sent))
    if (random() < 0.02) {
      const sender = pick(senders)
      if (world.node.broke.has(sender)) world.node.broke.delete(sender)
      else world.node.broke.add(sender)
    }
    if (random() < 0.01 && sent.length > 0) world.node.slip(pick(sent))
    await world.act()
  }
  world.node.broke.clear()
}

/** A wallet that looks where the chain stands, and sends what it has for the next nonce once more. */
function fillGap(world: World, sent: readonly ReturnType<typeof itemOf>[], sender: Address): void {
  const missing = sent.filter((item) => item.sender === sender && item.nonce === world.node.next(sender)).at(-1)
  if (missing) void world.submit([missing])
}

/** With the faults gone, everything comes to an end, and the end is the truth of the chain. */
export async function settle(world: World): Promise<void> {
  for (let at = 0; at < 2_000 && !world.quiet(); at++) await world.act()
  checkWorld(world)
  same(world.quiet(), true, '[end] after healing, nothing hangs')
  const slots = new Map<string, number>()
  for (const [hash, { sender, nonce }] of world.acked) {
    const status = world.status(hash)
    const block = world.node.includedAt(hash)
    if (block) slots.set(`${sender}/${nonce}`, (slots.get(`${sender}/${nonce}`) ?? 0) + 1)
    if (status?.state === 'finalized') same(block?.hash, status.blockHash, `[truth] the block of ${hash}`)
    else {
      // What we were told no about may still be executed for somebody else.
      if (block && !world.node.slipped.has(hash)) throw new Error(`[truth] ${hash} is ${status?.state} and in a block`)
      const isEnd = ['rejected', 'replaced', 'held', 'expired'].includes(status?.state ?? '')
      same(isEnd, true, `[end] ${hash} is ${status?.state}`)
    }
  }
  if (Math.max(0, ...slots.values()) > 1) throw new Error('[one] a nonce is included twice')
}
