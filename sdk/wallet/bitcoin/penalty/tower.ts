import {
  type Channel,
  type ChannelSecrets,
  isLive,
  type LiveChannel,
  type Message,
} from '../../../channel/penalty/index.ts'
import {
  decodeRevoked,
  encodeRevoked,
  justiceFeerates,
  revokedBy,
  type TowerReceipt,
  towerFault,
  waitsForTower,
} from '../../../channel/tower/index.ts'
import { createTowerClient } from '../../../client/index.ts'
import { hmacSha256 } from '../../../crypto/index.ts'
import { SdkError } from '../../../errors.ts'
import type { Cipher, Store, StoreWrite, TowerLink } from '../../../ports.ts'
import { type ChannelId, type Hex, toHex } from '../../../units.ts'
import { payoutOf } from './lookout.ts'
import { penaltyKeys } from './record.ts'

/** A watchtower for the two-way channels of a wallet. */
export interface TowerSetting {
  /** The way to one channel's tower: `({ tower, token }) => httpTower({ url, tower, token })`. Both follow from the seed. */
  readonly link: (at: { readonly tower: Hex; readonly token: Uint8Array }) => TowerLink
  /** Its public key, 33 bytes, from whoever runs it. */
  readonly key: Uint8Array
  readonly cipher: Cipher
  /** `required`: what raises this side waits until a fresh receipt covers what is revoked. [TW41] */
  readonly mode: 'wanted' | 'required'
  /** Longest age of a receipt, {@link towerFreshSecondsDefault} where nothing is said. */
  readonly freshSeconds?: number
  /** Longest time that a tower may not have looked, {@link towerLookSecondsDefault} where nothing is said. */
  readonly lookSeconds?: number
}

export const towerFreshSecondsDefault = 3_600
export const towerLookSecondsDefault = 1_800
/** Most states that are left in one go. */
const statesPerGoMax = 64

/** One channel as its tower sees it, in this process. */
export interface Watched {
  /** The last one that was proven. */
  receipt: TowerReceipt | null
  /** States may wait in the store. */
  isBehind: boolean
  /** The tower is being asked. */
  isAsked: boolean
  /** A proposal was left unanswered. */
  isHeld: boolean
}

/** What was revoked by a step, to be stored in its commit until the tower has it. [TW40] */
export function towerWrites(
  id: ChannelId,
  secrets: ChannelSecrets,
  before: Channel | null,
  after: Channel,
): readonly StoreWrite[] {
  if (!before || !isLive(before) || !isLive(after)) return []
  const state = revokedBy(before, after, secrets, { to: payoutOf(after), feerates: justiceFeerates })
  return state ? [{ key: penaltyKeys.state(id, state.number), expected: 0, bytes: encodeRevoked(state) }] : []
}

/** True for a message that is left unanswered for now. [TW41] */
export function isHeldBack(
  setting: TowerSetting,
  { receipt }: Watched,
  channel: Channel,
  message: Message,
  nowMs: number,
): boolean {
  if (setting.mode !== 'required' || !isLive(channel) || !waitsForTower(message)) return false
  return faultOf(setting, receipt, channel, nowMs) !== null
}

/** True where the tower is to be asked: states wait for it, a proposal does, or its word grows old. */
export function wantsTower(setting: TowerSetting, { receipt, isBehind, isHeld }: Watched, nowMs: number): boolean {
  const { freshSeconds = towerFreshSecondsDefault } = setting
  return isBehind || isHeld || !receipt || nowMs / 1_000 - receipt.atSeconds > freshSeconds / 2
}

/** True when a proposal that was held back can be answered now. */
export function isCovered(setting: TowerSetting, { receipt }: Watched, channel: LiveChannel, nowMs: number): boolean {
  return faultOf(setting, receipt, channel, nowMs) === null
}

function faultOf(setting: TowerSetting, receipt: TowerReceipt | null, channel: LiveChannel, nowMs: number) {
  const { freshSeconds = towerFreshSecondsDefault, lookSeconds = towerLookSecondsDefault } = setting
  const policy = { freshSeconds, lookSeconds, nowSeconds: Math.floor(nowMs / 1_000) }
  // What was revoked before the tower was first asked it cannot cover: its owner chose when.
  return towerFault(channel, receipt, { first: receipt?.first ?? 0, ...policy })
}

/**
 * Has the channel watched, leaves the states that wait in their order, and forgets each that a receipt covers. Throws as the link and
 * the store do.
 */
export async function handOver(
  setting: TowerSetting,
  channel: LiveChannel,
  { id, secrets, store }: { readonly id: ChannelId; readonly secrets: ChannelSecrets; readonly store: Store },
): Promise<{ readonly receipt: TowerReceipt; readonly isBehind: boolean }> {
  const named = (name: string) => hmacSha256(secrets.seed, new TextEncoder().encode(`lanekit tower/1 ${name}`))
  const tower = toHex(named('name'))
  const link = setting.link({ tower, token: named('token') })
  const { key, cipher } = setting
  const client = createTowerClient({ link, cipher, tower, key, funding: channel.opening.funding })
  const waiting = [...(await store.keys(penaltyKeys.states(id)))].sort().slice(0, statesPerGoMax + 1)
  const first = waiting[0] ? penaltyKeys.numberOf(waiting[0]) : channel.base.number
  let receipt = await client.standing().catch((error) => {
    if (error instanceof SdkError && error.notes[0] === 'unknown-tower') return client.register(first)
    throw error
  })
  for (const key of waiting.slice(0, statesPerGoMax)) {
    const stored = await store.get(key)
    const state = stored && decodeRevoked(stored.bytes)
    if (!stored || !state) continue
    if (!state.ok) throw new SdkError('store/corrupt', `A revoked state cannot be read: ${state.reason}.`)
    if (state.value.number >= receipt.next) receipt = await client.keep(state.value)
    await store.commit([{ key, expected: stored.version, bytes: null }])
  }
  return { receipt, isBehind: waiting.length > statesPerGoMax }
}
