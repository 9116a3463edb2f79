import { feerate } from 'lanekit'
import type { Channel } from 'lanekit/wallet/bitcoin'
import { bitcoinWalletOptions } from './bitcoin.ts'
import {
  aboutChannels,
  awaitChannel,
  channelWord,
  factsOf,
  linesOf,
  waitMsOf,
  waitOption,
  withChannel,
  withChannels,
} from './channelPlace.ts'
import { type Asked, type Command, type Option, usage } from './command.ts'
import { storeOption } from './keys.ts'

export const listChannels: Command = {
  name: 'channel list',
  words: '',
  wordsMin: 0,
  wordsMax: 0,
  summary: "tells the wallet's payment channels of both kinds, as the chain shows them now",
  about: [...aboutChannels, 'Of each: what its phase means, how far it is, and what happens if you leave now.'],
  options: { store: storeOption, ...bitcoinWalletOptions },
  run: (asked, terminal) =>
    withChannels(asked, terminal, async (wallet) => {
      await terminal.during('Looking at the chain', () => wallet.refresh())
      const channels = wallet.channels()
      const lines =
        channels.length === 0 ? ['There are no channels.'] : channels.flatMap((one) => linesOf(one, terminal))
      return { end: 'ok', facts: { network: wallet.network, channels: channels.map(factsOf) }, lines }
    }),
}

const satsPerVbyteMax = 10_000

/** A feerate in sat per vbyte. */
export const feerateOption: Option = {
  type: 'string',
  value: 'N',
  help: 'of its transaction, in sat per vbyte; of the day when left out',
}

/** The feerate that was asked for, nothing where none was. */
export function feerateOf(asked: Asked): { readonly feerate?: ReturnType<typeof feerate> } | ReturnType<typeof usage> {
  const rate = asked.text('feerate')
  if (rate === undefined) return {}
  if (!(Number(rate) > 0 && Number(rate) <= satsPerVbyteMax))
    return usage(`--feerate wants a number up to ${satsPerVbyteMax}`)
  return { feerate: feerate(Math.round(1_000 * Number(rate))) }
}

export const closeChannel: Command = {
  name: 'channel close',
  words: 'ID',
  wordsMin: 1,
  wordsMax: 1,
  summary: 'closes a channel together with the other side, or alone',
  about: [
    ...aboutChannels,
    'Waits until the chain shows the closing. In a channel that pays one way, a payee that does not answer cannot keep the coins:',
    'from the expiry on they come back without it, and any wallet on this store sees to that. A channel that pays both ways is',
    'closed alone where the other side does not answer: your coins wait for its delay then, and need this wallet again.',
  ],
  options: {
    store: storeOption,
    feerate: feerateOption,
    alone: { type: 'boolean', help: 'without the other side: of channels that pay both ways' },
    wait: waitOption,
    ...bitcoinWalletOptions,
  },
  run: async (asked, terminal) => {
    const id = channelWord(asked.words[0])
    if (typeof id !== 'string') return id
    const rate = feerateOf(asked)
    if ('end' in rate) return rate
    const isAlone = asked.flag('alone')
    if (isAlone && rate.feerate !== undefined)
      return usage('--alone has no --feerate: its transaction was signed before')
    const waitMs = waitMsOf(asked)
    if (typeof waitMs !== 'number') return waitMs
    return withChannel(asked, terminal, {
      id,
      what: 'Closing, and waiting for the chain',
      work: async (wallet) => {
        await wallet.closeChannel(id, isAlone ? { alone: true } : rate)
        const channel = await awaitChannel(wallet, id, { isThere: isEnding, waitMs })
        return {
          end: 'ok',
          facts: { channel: factsOf(channel) },
          lines: [
            ...linesOf(channel, terminal),
            ...(isEnding(channel)
              ? []
              : ['No closing is seen yet. What was asked is stored, and goes on with the next wallet.']),
          ],
        }
      },
    })
  },
}

/** The chain shows its end. */
function isEnding(channel: Channel): boolean {
  if (channel.kind === 'one-way') return channel.ending !== null
  return channel.phase === 'closed' || (channel.phase !== 'open' && channel.progress !== null)
}
