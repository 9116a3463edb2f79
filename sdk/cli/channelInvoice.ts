import { type ChannelId, type Msats, type Sats, sats, toHex } from 'lanekit'
import type { BitcoinWallet, InvoicePayOptions, InvoiceQuote, InvoiceWish } from 'lanekit/wallet/bitcoin'
import { awaitReceived, channelWord, sat, satsWord, waitMsOf, withChannels } from './channelPlace.ts'
import { type Answer, type Asked, type Facts, refuse, usage } from './command.ts'
import type { Terminal } from './terminal.ts'

type Usage = ReturnType<typeof usage>

/** True for a word that is meant as an invoice (BOLT-11). */
export function isInvoiceWord(word: string | undefined): word is string {
  return /^(?:lightning:)?ln[a-z0-9]+$/i.test(word ?? '')
}

/** Pays an invoice, after a person has seen payee, amount, fee and end. */
export async function payInvoice(asked: Asked, terminal: Terminal): Promise<Answer> {
  const [invoice = ''] = asked.words
  const options = optionsOf(asked)
  if ('end' in options) return options
  return withChannels(asked, terminal, async (wallet) => {
    await terminal.during('Looking at the channels', () => wallet.refresh())
    const quoted = await wallet.quotePayment(invoice, options)
    if (!quoted.ok) {
      const { code, detail } = quoted.refusal
      // What was begun before is told, and nothing more leaves.
      const isBegun = code === 'already-paid' || code === 'under-way'
      if (!isBegun || asked.flag('quote')) return refuse(`channel/${code}`, detail)
      return pay(wallet, terminal, invoice, options)
    }
    const { quote } = quoted
    if (asked.flag('quote')) return { end: 'ok', facts: { quote: quoteFacts(quote) }, lines: quoteLines(quote) }
    const no = asked.flag('yes') ? null : notAgreed(quote, terminal)
    // Another way may be tried, for no more than was shown.
    return (await no) ?? pay(wallet, terminal, invoice, { ...options, feeMax: sats((quote.fee + 999n) / 1_000n) })
  })
}

function optionsOf(asked: Asked): (InvoicePayOptions & { readonly waitMs: number }) | Usage {
  const [, sum] = asked.words
  const amount = sum === undefined ? null : satsWord(sum, 'a payment')
  if (amount !== null && typeof amount !== 'bigint') return amount
  const fee = asked.text('fee-max')
  if (fee !== undefined && !/^\d{1,15}$/.test(fee)) return usage('--fee-max wants whole satoshi')
  if (asked.text('payment') !== undefined)
    return usage('--payment is of payments over a channel: an invoice has a name')
  const waitMs = waitMsOf(asked)
  if (typeof waitMs !== 'number') return waitMs
  return { waitMs, ...(amount === null ? {} : { amount }), ...(fee === undefined ? {} : { feeMax: sats(BigInt(fee)) }) }
}

async function pay(
  wallet: BitcoinWallet,
  terminal: Terminal,
  invoice: string,
  options: InvoicePayOptions,
): Promise<Answer> {
  const outcome = await terminal.during('Paying', () => wallet.pay(invoice, options))
  if (outcome.state === 'refused') return refuse(`channel/${outcome.fault}`, outcome.detail)
  const payment = toHex(outcome.paymentHash)
  if (outcome.state === 'pending')
    return refuse('channel/pending', 'the payment is on its way, and may still be paid', [
      'Call the same again: nothing is paid twice, and it says what became of it.',
    ])
  const { amount, fee } = outcome
  const preimage = toHex(outcome.preimage)
  return {
    end: 'ok',
    facts: { state: 'paid', payment, preimage, amountMsats: amount, feeMsats: fee },
    lines: [`${msat(amount)} paid, ${msat(fee)} of it for the way`, `The proof of it is ${preimage}`],
  }
}

/** Shows a person what is to be paid, and asks. `null` where it may be. */
async function notAgreed(quote: InvoiceQuote, terminal: Terminal): Promise<Answer | null> {
  for (const line of quoteLines(quote)) terminal.tell(line)
  const isAgreed = await terminal.agrees('Pay it? [y/N] ')
  if (isAgreed === undefined) return usage('nobody can be asked here: look by --quote, and pay by --yes')
  return isAgreed ? null : refuse('channel/not-agreed', 'nothing was paid')
}

function quoteFacts({ payee, amount, fee, description, expiresAtSeconds, channel, isThroughHub }: InvoiceQuote): Facts {
  const about = { description, expiresAtSeconds, channel, isThroughHub }
  return { payee: toHex(payee), amountMsats: amount, feeMsats: fee, ...about }
}

function quoteLines({ payee, amount, fee, description, expiresAtSeconds, isThroughHub }: InvoiceQuote): string[] {
  return [
    `${msat(amount)} to ${toHex(payee)}`,
    description === null ? 'For a text of which it has the hash alone' : `For: ${printable(description)}`,
    isThroughHub ? `Through a hub, which takes ${msat(fee)} more` : 'Over your channel with it, without a fee',
    `It expires at ${new Date(1_000 * expiresAtSeconds).toISOString()}`,
  ]
}

/** Asks for a payment by an invoice, or again about an earlier one, and waits until it has come. */
export async function requestInvoice(asked: Asked, terminal: Terminal): Promise<Answer> {
  const waitMs = waitMsOf(asked)
  if (typeof waitMs !== 'number') return waitMs
  const earlier = asked.text('payment')
  const wish = earlier === undefined ? wishOf(asked) : null
  if (wish && 'end' in wish) return wish
  if (!wish && (asked.words.length > 0 || asked.text('invoice') !== undefined))
    return usage('an earlier invoice says all of itself')
  return withChannels(asked, terminal, async (wallet) => {
    await terminal.during('Looking at the channels', () => wallet.refresh())
    const request = wish ? (await wallet.request(wish)).invoice : (earlier ?? '')
    // Told before it is waited for, with --json too: somebody has to pay it meanwhile.
    if (wish) terminal.tell(request)
    return terminal.during('Waiting for the payment', () => awaitReceived(wallet, { request, name: request, waitMs }))
  })
}

function wishOf(asked: Asked): InvoiceWish | Usage {
  const [first, ...rest] = asked.words
  const channel: ChannelId | Usage | null = first?.startsWith('0x') ? channelWord(first) : null
  if (channel !== null && typeof channel !== 'string') return channel
  const sums = channel === null ? asked.words : rest
  const amount: Sats | Usage | null = sums[0] === undefined ? null : satsWord(sums[0], 'a request')
  if (amount !== null && typeof amount !== 'bigint') return amount
  if (sums.length > 1) return usage('a request has one sum')
  const expiry = asked.text('expiry')
  if (expiry !== undefined && !/^[1-9]\d{0,5}$/.test(expiry)) return usage('--expiry wants seconds')
  return {
    kind: 'invoice',
    description: asked.text('invoice') ?? '',
    ...(channel === null ? {} : { channel }),
    ...(amount === null ? {} : { amount }),
    ...(expiry === undefined ? {} : { expirySeconds: Number(expiry) }),
  }
}

/** A stranger's text, of which a terminal takes nothing for an order. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, '\ufffd')
}

function msat(sum: Msats): string {
  const rest = sum % 1_000n
  const whole = sat(sum / 1_000n)
  return rest === 0n ? whole : whole.replace(' sat', `.${String(rest).padStart(3, '0')} sat`)
}
