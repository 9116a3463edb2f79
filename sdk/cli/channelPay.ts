import { type ChannelId, fromHex, isHex, type Sats, toHex } from 'lanekit'
import { bitcoinWalletOptions } from './bitcoin.ts'
import { isInvoiceWord, payInvoice, requestInvoice } from './channelInvoice.ts'
import {
  aboutChannels,
  awaitReceived,
  channelWord,
  sat,
  satsWord,
  waitMsOf,
  waitOption,
  withChannel,
} from './channelPlace.ts'
import { type Asked, type Command, refuse, usage } from './command.ts'
import { storeOption } from './keys.ts'

export const payChannel: Command = {
  name: 'channel pay',
  words: '(ID SATS | INVOICE [SATS])',
  wordsMin: 1,
  wordsMax: 2,
  summary: 'pays over a channel of either kind, without a block: whoever is at its other side, or an invoice (BOLT-11)',
  about: [
    ...aboutChannels,
    'Ends with 0 once the other side has taken it. What has no answer within --wait is stored, in a channel that pays one way, and',
    'goes on with the next wallet; in one that pays both ways look at the balance before you pay again.',
    'Of an invoice, payee, amount, fee and end are shown, and you are asked; SATS where it leaves the amount to you. It is paid once:',
    'the same call again says what became of it.',
  ],
  options: {
    store: storeOption,
    payment: {
      type: 'string',
      value: 'HEX',
      help: "the payee's name for what is bought, 16 bytes; made up when left out",
    },
    quote: { type: 'boolean', help: 'tell what an invoice would come to, and pay nothing' },
    yes: { type: 'boolean', help: 'pay an invoice without being asked' },
    'fee-max': {
      type: 'string',
      value: 'SATS',
      help: 'most that the way to an invoice may cost; a twentieth when left out',
    },
    wait: waitOption,
    ...bitcoinWalletOptions,
  },
  run: async (asked, terminal) => {
    if (isInvoiceWord(asked.words[0])) return payInvoice(asked, terminal)
    const wish = wishOf(asked, 'a payment')
    if ('end' in wish) return wish
    const { id, amount, paymentId, waitMs } = wish
    if (amount === null) return usage('a payment over a channel wants its id and SATS')
    const alien = ['quote', 'yes'].find((option) => asked.flag(option)) ?? (asked.text('fee-max') && 'fee-max')
    if (alien) return usage(`--${alien} is of invoices`)
    return withChannel(asked, terminal, {
      id,
      what: 'Paying',
      work: async (wallet) => {
        const outcome = await wallet.pay(id, amount, { ...(paymentId ? { paymentId } : {}), waitMs })
        if (outcome.state === 'refused') return refuse(`channel/${outcome.fault}`, outcome.detail)
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

export const requestPayment: Command = {
  name: 'channel request',
  words: '[ID] [SATS]',
  wordsMin: 0,
  wordsMax: 2,
  summary: 'asks for a payment over a channel that pays both ways, by a name or an invoice, and says when it has come',
  about: [
    ...aboutChannels,
    'Prints the name, to be told to whoever is at the other side of the channel ID, and waits for the payment. With --invoice it prints',
    'an invoice (BOLT-11) that anybody can pay who has a way to this wallet; without ID, over the channel that can receive most. It',
    'is taken only while a command runs, so let this one wait. --payment asks again about an earlier request.',
  ],
  options: {
    store: storeOption,
    invoice: {
      type: 'string',
      value: 'TEXT',
      help: 'ask by an invoice; TEXT is what it is for, and its payer is shown it',
    },
    expiry: {
      type: 'string',
      value: 'SECONDS',
      help: 'until the invoice is not taken any more; an hour when left out',
    },
    payment: { type: 'string', value: 'HEX|INVOICE', help: 'an earlier request: its name, or its invoice' },
    wait: waitOption,
    ...bitcoinWalletOptions,
  },
  run: async (asked, terminal) => {
    if (asked.text('invoice') !== undefined || isInvoiceWord(asked.text('payment')))
      return requestInvoice(asked, terminal)
    if (asked.text('expiry') !== undefined) return usage('--expiry is of invoices')
    const wish = wishOf(asked, 'a request')
    if ('end' in wish) return wish
    const { id, amount, paymentId, waitMs } = wish
    return withChannel(asked, terminal, {
      id,
      what: 'Waiting for the payment',
      work: async (wallet) => {
        const made = await wallet.request({ channel: id, ...(amount === null ? {} : { amount }) })
        const request = paymentId ? { ...made, paymentId } : made
        const name = toHex(request.paymentId)
        // Told before it is waited for: somebody has to pay it meanwhile.
        if (!asked.flag('json') && !paymentId) terminal.tell(name)
        return awaitReceived(wallet, { request, name, waitMs })
      },
    })
  },
}

/** What paying and asking over a channel have in common. */
interface Wish {
  readonly id: ChannelId
  readonly amount: Sats | null
  readonly paymentId: Uint8Array | null
  readonly waitMs: number
}

/** @param what - Stands in what is said of a sum. */
function wishOf(asked: Asked, what: string): Wish | ReturnType<typeof usage> {
  const [word, sum] = asked.words
  const id = channelWord(word)
  if (typeof id !== 'string') return id
  const amount = sum === undefined ? null : satsWord(sum, what)
  if (amount !== null && typeof amount !== 'bigint') return amount
  const name = asked.text('payment')
  if (name !== undefined && !isHex(name, 16)) return usage('--payment wants 0x and 32 digits')
  const waitMs = waitMsOf(asked)
  if (typeof waitMs !== 'number') return waitMs
  return { id, amount, paymentId: name === undefined ? null : fromHex(name), waitMs }
}
