import { type ChannelId, fromHex, isHex, type Sats, toHex } from 'lanekit'
import { isInvoiceWord, payInvoice, requestInvoice } from './channelInvoice.ts'
import { awaitReceived, channelWord, sat, satsWord, waitMsOf, withChannel } from './channelPlace.ts'
import { type Asked, type Run, refuse, usage } from './command.ts'

export const payChannel: Run = async (asked, terminal) => {
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
}

export const requestPayment: Run = async (asked, terminal) => {
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
