import { fromHex, isHex, type Sats, toHex } from 'lanekit'
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
import { type Answer, type Asked, type Command, refuse, usage } from './command.ts'
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

export const payChannel: Command = {
  name: 'channel pay',
  words: 'ID SATS',
  wordsMin: 2,
  wordsMax: 2,
  summary: 'pays over a channel of either kind, without a block',
  about: [
    ...aboutChannels,
    'Ends with 0 once the other side has taken it. What has no answer within --wait is stored, in a channel that pays one way, and',
    'goes on with the next wallet; in one that pays both ways look at the balance before you pay again.',
  ],
  options: {
    store: storeOption,
    payment: {
      type: 'string',
      value: 'HEX',
      help: "the payee's name for what is bought, 16 bytes; made up when left out",
    },
    wait: waitOption,
    ...bitcoinWalletOptions,
  },
  run: async (asked, terminal) => {
    const id = channelWord(asked.words[0])
    if (typeof id !== 'string') return id
    const amount = satsWord(asked.words[1], 'a payment')
    if (typeof amount !== 'bigint') return amount
    const name = paymentOf(asked)
    if (name && 'end' in name) return name
    const waitMs = waitMsOf(asked)
    if (typeof waitMs !== 'number') return waitMs
    return withChannel(asked, terminal, {
      id,
      what: 'Paying',
      work: async (wallet) => {
        const outcome = await wallet.pay(id, amount, { ...(name ? { paymentId: name.id } : {}), waitMs })
        if (outcome.state === 'refused')
          return refuse(`channel/${outcome.fault}`, refusals[outcome.fault] ?? 'the payment was refused')
        const payment = toHex(outcome.paymentId)
        if (outcome.state === 'pending')
          return refuse('channel/pending', 'the other side has not answered yet', [
            `The payment is ${payment}. Call \`lanekit channel list\` before you pay again.`,
          ])
        const lines = [`${sat(amount)} paid as number ${outcome.number}, under ${payment}`]
        return { end: 'ok', facts: { state: 'paid', payment, amount, number: outcome.number }, lines }
      },
    })
  },
}

/** What can be done about a refusal, in words. */
const refusals: Readonly<Record<string, string>> = {
  insufficient: 'too little is left in the channel',
  reserve: 'a side has to keep its reserve in the channel until it is closed',
  'not-open': 'the channel is not open: `lanekit channel list` says where it is',
}

export const requestPayment: Command = {
  name: 'channel request',
  words: 'ID [SATS]',
  wordsMin: 1,
  wordsMax: 2,
  summary: 'names a payment that the other side of a channel that pays both ways shall make, and says when it has come',
  about: [
    ...aboutChannels,
    'Prints the name, to be told to the payer, and waits for the payment. --payment asks again about an earlier one.',
  ],
  options: {
    store: storeOption,
    payment: { type: 'string', value: 'HEX', help: 'the name of an earlier request' },
    wait: waitOption,
    ...bitcoinWalletOptions,
  },
  run: async (asked, terminal) => {
    const id = channelWord(asked.words[0])
    if (typeof id !== 'string') return id
    const amount: Sats | null | ReturnType<typeof usage> =
      asked.words[1] === undefined ? null : satsWord(asked.words[1], 'a request')
    if (amount !== null && typeof amount !== 'bigint') return amount
    const name = paymentOf(asked)
    if (name && 'end' in name) return name
    const waitMs = waitMsOf(asked)
    if (typeof waitMs !== 'number') return waitMs
    return withChannel(asked, terminal, {
      id,
      what: 'Waiting for the payment',
      work: async (wallet) => {
        const made = await wallet.request({ channel: id, ...(amount === null ? {} : { amount }) })
        const request = name ? { ...made, paymentId: name.id } : made
        const payment = toHex(request.paymentId)
        // Told before it is waited for: somebody has to pay it meanwhile.
        if (!asked.flag('json') && !name) terminal.tell(payment)
        const end = Date.now() + waitMs
        for (;;) {
          const received = await wallet.received(request)
          if (received?.isEnough) return paidAnswer(payment, received)
          if (Date.now() >= end)
            return refuse(
              'channel/not-received',
              received ? `only ${sat(received.amount)} came` : 'nothing has come yet',
              [`Ask again by --payment ${payment}.`],
            )
          await new Promise((resolve) => setTimeout(resolve, lookMs))
        }
      },
    })
  },
}

const lookMs = 250

function paidAnswer(payment: string, { amount, number }: { readonly amount: Sats; readonly number: number }): Answer {
  const facts = { payment, amount, number }
  return { end: 'ok', facts, lines: [`${sat(amount)} received as number ${number}, under ${payment}`] }
}

function paymentOf(asked: Asked): { readonly id: Uint8Array } | null | ReturnType<typeof usage> {
  const text = asked.text('payment')
  if (text === undefined) return null
  return isHex(text, 16) ? { id: fromHex(text) } : usage('--payment wants 0x and 32 digits')
}
