import { fromHex, isHex, toHex } from 'lanekit'
import { decodeInvitation, encodeInvitation } from 'lanekit/wallet/bitcoin'
import { feerateOf } from './channel.ts'
import {
  awaitChannel,
  channelWord,
  factsOf,
  linesOf,
  sat,
  satsWord,
  waitMsOf,
  withChannel,
  withChannels,
} from './channelPlace.ts'
import { type Asked, type Run, refuse, usage } from './command.ts'

type Wish = Parameters<Parameters<Parameters<typeof withChannels>[2]>[0]['openChannel']>[0]

export const inviteChannel: Run = async (asked, terminal) => {
  const box = asked.text('box')
  if (box === undefined || !URL.canParse(box)) return usage('--box wants the URL of an edge')
  const delay = asked.text('delay')
  if (delay !== undefined && !/^[1-9]\d{0,4}$/.test(delay)) return usage('--delay wants blocks')
  const waitMs = asked.text('wait') === undefined ? 0 : waitMsOf(asked)
  if (typeof waitMs !== 'number') return waitMs
  return withChannels(asked, terminal, async (wallet) => {
    const terms = delay === undefined ? {} : { terms: { delayBlocks: Number(delay) } }
    const invitation = await wallet.invite({ box, ...terms })
    const text = toHex(encodeInvitation(invitation))
    const isThere = ({ phase }: { readonly phase: string }) => phase === 'open'
    const channel = await terminal.during('Waiting for an opener', () =>
      awaitChannel(wallet, invitation.id, { isThere, waitMs }),
    )
    return {
      end: 'ok',
      facts: { invitation: text, channel: factsOf(channel) },
      lines: [text, ...linesOf(channel, terminal)],
    }
  })
}

export const withdrawInvitation: Run = async (asked, terminal) => {
  const id = channelWord(asked.words[0])
  if (typeof id !== 'string') return id
  return withChannel(asked, terminal, {
    id,
    what: 'Withdrawing',
    work: async (wallet) => {
      const withdrawn = await wallet.withdraw(id)
      if (!withdrawn.ok) return refuse(`channel/${withdrawn.refusal.code}`, withdrawn.refusal.detail)
      const { channel } = withdrawn
      return { end: 'ok', facts: { channel: factsOf(channel) }, lines: linesOf(channel, terminal) }
    },
  })
}

export const openChannel: Run = async (asked, terminal) => {
  const wish = wishOf(asked)
  if ('end' in wish) return wish
  const waitMs = waitMsOf(asked)
  if (typeof waitMs !== 'number') return waitMs
  return withChannels(asked, terminal, async (wallet) => {
    await terminal.during('Looking for coins', () => wallet.refresh())
    if (asked.flag('quote')) {
      const quoted = await wallet.quoteChannel(wish)
      if (!quoted.ok) return refuse(`channel/${quoted.refusal.code}`, quoted.refusal.detail)
      const { quote } = quoted
      const reserve =
        quote.kind === 'two-way' ? [`${sat(quote.reserve)} kept beside it for fees; what is left comes back`] : []
      return {
        end: 'ok',
        facts: { quote: { ...quote } },
        lines: [
          `${sat(quote.capacity)} in the channel, of which ${sat(quote.payable)} can be paid`,
          `${sat(quote.fundingFee)} to open it, up to ${sat(quote.closeFee)} to close it`,
          ...reserve,
          `It pays after ${quote.confirmationsMin} blocks.`,
        ],
      }
    }
    const opened = await wallet.openChannel(wish)
    if (!opened.ok) return refuse(`channel/${opened.refusal.code}`, opened.refusal.detail)
    const isThere = ({ phase }: { readonly phase: string }) => phase === 'open' || phase === 'declined'
    const channel = await terminal.during('Waiting for blocks', () =>
      awaitChannel(wallet, opened.channel.id, { isThere, waitMs }),
    )
    if (channel.phase === 'declined')
      return refuse('channel/declined', 'the other side did not take the channel; the coins are free again')
    return { end: 'ok', facts: { channel: factsOf(channel) }, lines: linesOf(channel, terminal) }
  })
}

function wishOf(asked: Asked): Wish | ReturnType<typeof usage> {
  const capacity = satsWord(asked.words[0], 'the channel')
  if (typeof capacity !== 'bigint') return capacity
  const rate = feerateOf(asked)
  if ('end' in rate) return rate
  const [peer, text, expiry] = [asked.text('peer'), asked.text('invitation'), asked.text('expiry')]
  if ((peer === undefined) === (text === undefined)) return usage('either --peer URL or --invitation HEX')
  if (peer !== undefined) {
    if (!URL.canParse(peer)) return usage('the address of the payee is no URL')
    if (expiry !== undefined && !/^[1-9]\d{0,5}$/.test(expiry)) return usage('--expiry wants blocks')
    return { peer, capacity, ...rate, ...(expiry === undefined ? {} : { expiryBlocks: Number(expiry) }) }
  }
  if (expiry !== undefined || rate.feerate !== undefined)
    return usage('--expiry and --feerate are of channels that pay one way')
  const invitation = isHex(text ?? '') ? decodeInvitation(fromHex(text as `0x${string}`)) : null
  if (!invitation?.ok) return usage('--invitation is none: 0x and the digits that `lanekit channel invite` printed')
  return { kind: 'two-way', invitation: invitation.value, capacity }
}
