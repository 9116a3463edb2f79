import { type Channel, isLive } from '../../../sdk/channel/penalty/index.ts'
import { tipOf } from '../chain.ts'
import { after, outageMax, type World } from '../world.ts'
import type { Scene, SideNode } from './node.ts'
import { marginBlocks } from './setting.ts'

/** What a place keeps of a side's disk, for a side that lets nothing leave before it is kept. [TW42] */
export interface Copies {
  /** The newest that is kept. */
  kept: { readonly record: Uint8Array; readonly notes: number } | null
  /** Numbers of the newest state that is kept, and of the newest that is stored. */
  number: number
  stored: number
  isAsked: boolean
  /** What it was restored from is nobody's to compare with: it never goes on. [TW44] */
  isAlone: boolean
  /** What waits in memory for its state to be kept. */
  readonly held: { readonly number: number; readonly leave: () => void }[]
  /** Height at which this process was first to broadcast its commitment. */
  endingSince: number | null
}

export function createCopies(): Copies {
  return { kept: null, number: 0, stored: 0, isAsked: false, isAlone: false, held: [], endingSince: null }
}

/** Lets something leave once its state is kept. What comes from a backup is bound to nothing: it tells no more than where it stands. */
export function once({ copies, channel }: SideNode, leave: () => void): void {
  if (!copies || copies.number >= copies.stored || !isOwn(channel)) return leave()
  copies.held.push({ number: copies.stored, leave })
}

/** A commitment that has waited for so many blocks leaves all the same. */
export function isOverdue({ copies }: SideNode, { chain }: Scene): boolean {
  if (!copies) return true
  copies.endingSince ??= tipOf(chain)
  return tipOf(chain) >= copies.endingSince + Math.floor(marginBlocks / 2)
}

/** Leaves the newest state with the place, which may not answer for a while. */
export function ask(world: World, node: SideNode): void {
  const { copies, disk } = node
  if (!copies || copies.isAsked || copies.number >= copies.stored) return
  copies.isAsked = true
  const isCut = !world.isHealed && world.random.chance(0.03)
  after(world, world.random.from(1, isCut ? outageMax : 5), () => {
    copies.isAsked = false
    if (!node.channel || node.isGone || !disk.record || !isOwn(node.channel)) return
    copies.kept = { record: disk.record, notes: disk.notes.length }
    copies.number = copies.stored
    while (copies.held[0] && copies.held[0].number <= copies.number) copies.held.shift()?.leave()
    ask(world, node)
  })
}

/** TW44: with one copy alone, the other side's word that it is the newest changes nothing. */
export function isTrusting({ copies, channel }: SideNode, after: Channel): boolean {
  if (!copies?.isAlone || !channel || !isLive(channel) || !isLive(after)) return false
  return channel.origin === 'backup' && after.origin === 'proven'
}

/** A restored side that has forgotten nothing that left is an own one again, once the other side's word fits. [TW43] */
export function isResumed(node: SideNode): boolean {
  const { copies, channel } = node
  if (!copies || copies.isAlone || !channel || !isLive(channel) || channel.phase === 'behind') return false
  return channel.origin !== 'own' && channel.session.isMet
}

function isOwn(channel: Channel | null): boolean {
  return channel !== null && (!isLive(channel) || channel.origin === 'own')
}
