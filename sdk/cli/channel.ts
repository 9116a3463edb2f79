import { feerate } from 'lanekit'
import type { Channel } from 'lanekit/wallet/bitcoin'
import { awaitChannel, channelWord, factsOf, linesOf, waitMsOf, withChannel, withChannels } from './channelPlace.ts'
import { type Asked, type Run, usage } from './command.ts'

export const listChannels: Run = (asked, terminal) =>
  withChannels(asked, terminal, async (wallet) => {
    await terminal.during('Looking at the chain', () => wallet.refresh())
    const channels = wallet.channels()
    const lines = channels.length === 0 ? ['There are no channels.'] : channels.flatMap((one) => linesOf(one, terminal))
    return { end: 'ok', facts: { network: wallet.network, channels: channels.map(factsOf) }, lines }
  })

const satsPerVbyteMax = 10_000

/** The feerate that was asked for, nothing where none was. */
export function feerateOf(asked: Asked): { readonly feerate?: ReturnType<typeof feerate> } | ReturnType<typeof usage> {
  const rate = asked.text('feerate')
  if (rate === undefined) return {}
  if (!(Number(rate) > 0 && Number(rate) <= satsPerVbyteMax))
    return usage(`--feerate wants a number up to ${satsPerVbyteMax}`)
  return { feerate: feerate(Math.round(1_000 * Number(rate))) }
}

export const closeChannel: Run = async (asked, terminal) => {
  const id = channelWord(asked.words[0])
  if (typeof id !== 'string') return id
  const rate = feerateOf(asked)
  if ('end' in rate) return rate
  const isAlone = asked.flag('alone')
  if (isAlone && rate.feerate !== undefined) return usage('--alone has no --feerate: its transaction was signed before')
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
}

/** The chain shows its end. */
function isEnding(channel: Channel): boolean {
  if (channel.kind === 'one-way') return channel.ending !== null
  return channel.phase === 'closed' || (channel.phase !== 'open' && channel.progress !== null)
}
