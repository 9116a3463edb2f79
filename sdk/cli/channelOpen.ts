import { fromHex, isHex, toHex } from 'lanekit'
import { decodeInvitation, encodeInvitation } from 'lanekit/wallet/bitcoin'
import { bitcoinWalletOptions } from './bitcoin.ts'
import { feerateOf, feerateOption } from './channel.ts'
import {
  aboutChannels,
  awaitChannel,
  channelWord,
  factsOf,
  linesOf,
  sat,
  satsWord,
  waitMsOf,
  waitOption,
  withChannel,
  withChannels,
} from './channelPlace.ts'
import { type Asked, type Command, refuse, usage } from './command.ts'
import { storeOption } from './keys.ts'

type Wish = Parameters<Parameters<Parameters<typeof withChannels>[2]>[0]['openChannel']>[0]

export const inviteChannel: Command = {
  name: 'channel invite',
  words: '',
  wordsMin: 0,
  wordsMax: 0,
  summary: 'invites somebody to open a channel that pays both ways with this wallet',
  about: [
    ...aboutChannels,
    'Prints the invitation, for one opener; whoever has it can answer, and the first one counts. This wallet has to be open when',
    'it is answered: `--wait` waits for that.',
  ],
  options: {
    store: storeOption,
    box: { type: 'string', value: 'URL', help: "of the edge that carries the channel's messages; needed" },
    delay: {
      type: 'string',
      value: 'BLOCKS',
      help: 'within which each side, or a tower, looks at the chain; a week when left out',
    },
    wait: waitOption,
    ...bitcoinWalletOptions,
  },
  run: async (asked, terminal) => {
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
  },
}

export const withdrawInvitation: Command = {
  name: 'channel withdraw',
  words: 'ID',
  wordsMin: 1,
  wordsMax: 1,
  summary: 'takes an invitation back that nobody has answered',
  about: [
    ...aboutChannels,
    'ID is that of its channel in `lanekit channel list`. Whoever answers it later is told so, by any command of this wallet that runs then,',
    'and has not lost a coin. An answer that was there first stands: close the channel once it is open.',
  ],
  options: { store: storeOption, ...bitcoinWalletOptions },
  run: async (asked, terminal) => {
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
  },
}

export const openChannel: Command = {
  name: 'channel open',
  words: 'SATS',
  wordsMin: 1,
  wordsMax: 1,
  summary: 'opens a channel with so many satoshi in it, and waits until it pays',
  about: [
    ...aboutChannels,
    'With --peer it pays one payee, and nobody has to watch it. With --invitation it pays both ways, and this wallet, or a tower,',
    'has to look at the chain once in its delay. --quote tells what it would cost, and signs nothing.',
  ],
  options: {
    store: storeOption,
    peer: { type: 'string', value: 'URL', help: 'the payee of a channel that pays one way' },
    invitation: { type: 'string', value: 'HEX', help: 'of the other side, for a channel that pays both ways' },
    expiry: {
      type: 'string',
      value: 'BLOCKS',
      help: 'until the coins come back, of a channel that pays one way; a week when left out',
    },
    feerate: feerateOption,
    quote: { type: 'boolean', help: 'tell the cost, and open nothing' },
    wait: waitOption,
    ...bitcoinWalletOptions,
  },
  run: async (asked, terminal) => {
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
  },
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
