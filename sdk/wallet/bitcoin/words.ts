import type { Channel, OneWayChannel } from './channel.ts'
import type { OneWayOutcome } from './channels.ts'
import type { TwoWayChannel } from './penalty/describe.ts'
import type { QuotedPayment } from './penalty/invoicePaying.ts'
import { feeReserve } from './penalty/reserve.ts'
import type { TwoWayOutcome } from './penalty/wishes.ts'

/** What a channel waits for on the chain: `have` blocks of the `need` that end its phase. */
export interface Progress {
  readonly have: number
  readonly need: number
}

/** Facts of a channel before they are put into words. */
type Unsaid<channel extends Channel> = Omit<channel, 'words' | 'awayAdvice'>

/** What a person should know of a channel: what its phase means, and what happens to who closes the laptop now. */
export interface ChannelWords {
  readonly words: string
  readonly awayAdvice: string
}

const payoutDone = 'Everything that was yours is back in the wallet.'

export function oneWayWords({ phase, expiry, closesAt, height, progress }: Unsaid<OneWayChannel>): ChannelWords {
  const back = `Your coins come back at block ${expiry}${fromNow(height, expiry)}, whatever the payee does, and from your seed alone.`
  switch (phase) {
    case 'offered':
      return {
        words: 'The payee was asked to take the channel. No coin has left.',
        awayAdvice: 'Nothing is at stake. The channel goes on opening when you are back.',
      }
    case 'declined':
      return {
        words: 'The payee did not take the channel. Your coins are free again.',
        awayAdvice: 'Nothing is at stake.',
      }
    case 'funding':
      return {
        words: `Your coins are on their way into the channel. ${blocksOf(progress)}`,
        awayAdvice: `Nothing is lost. The channel opens by itself when you are back. ${back}`,
      }
    case 'open':
      return {
        words: `The channel pays, without a block, until block ${closesAt}${fromNow(height, closesAt)}.`,
        awayAdvice: `Nothing is lost: nobody has to watch this channel. ${back}`,
      }
    case 'closing':
      return {
        words: `The channel pays no more, and its end is on the way into the chain. ${blocksOf(progress)}`,
        awayAdvice: `Nothing is lost: the payee, or the channel's box, sees to the closing. ${back}`,
      }
    case 'refunding':
      return {
        words: 'The channel has expired, and everything that was not paid is coming back.',
        awayAdvice: 'Nothing is lost. What was sent arrives by itself; what was not is sent when you are back.',
      }
    case 'closed':
      return { words: 'The channel has ended, and the chain proves it.', awayAdvice: payoutDone }
  }
}

export function twoWayWords(channel: Unsaid<TwoWayChannel>): ChannelWords {
  return { words: twoWayMeaning(channel), awayAdvice: twoWayAdvice(channel) }
}

function twoWayMeaning({ phase, own, progress, fault }: Unsaid<TwoWayChannel>): string {
  switch (phase) {
    case 'invited':
      return 'The invitation waits for somebody who answers it.'
    case 'withdrawn':
      return 'You have withdrawn the invitation. Whoever answers it is told so.'
    case 'opening':
      return 'Both sides agree on the channel. No coin has left.'
    case 'declined':
      return fault === 'withdrawn'
        ? 'The invitation was withdrawn before you answered it. No coin has left, and they are free again.'
        : 'The channel came to nothing. The coins are free again.'
    case 'funding':
      return `${own === 'opener' ? 'Your coins are' : "The other side's coins are"} on their way into the channel. ${blocksOf(progress)}`
    case 'open':
      return 'The channel pays both ways, without a block.'
    case 'closing':
      return `The channel pays no more, and both sides are closing it together. ${blocksOf(progress)}`
    case 'ending':
      return `A side has closed the channel alone, and what is yours is being taken on the chain. ${blocksOf(progress)}`
    case 'behind':
      return 'This wallet has lost the newest state of the channel, so the other side has to close it. Your balance comes back then.'
    case 'unsure':
      return 'The channel was restored from a backup. It signs nothing until the other side has shown that the backup is the newest.'
    case 'restored':
      return 'The channel came back from a backup that is the newest, but it may not pay any more. Close it: your balance is safe.'
    case 'closed':
      return 'The channel has ended, and all that was yours has been taken.'
  }
}

function twoWayAdvice({ phase, own, delayBlocks, htlcs, reserve }: Unsaid<TwoWayChannel>): string {
  const back = `Come back within ${delayBlocks} blocks (${spanOf(delayBlocks)}), or let a watchtower look: the other side could broadcast an old state meanwhile.`
  switch (phase) {
    case 'invited':
    case 'opening':
      return 'Nothing is at stake. The channel goes on opening when you are back.'
    case 'declined':
    case 'withdrawn':
      return 'Nothing is at stake.'
    case 'funding':
    case 'restored':
      return back
    case 'unsure':
      return `Nothing is broadcast while you are away. Where the other side never answers, ask it to close the channel. ${back}`
    case 'open':
      return [
        ...(htlcs > 0 ? [`${htlcs} payments are on their way and run out at a block height.`] : []),
        back,
        ...(own === 'accepter' && reserve === 0n ? [noReserve] : []),
      ].join(' ')
    case 'closing':
      return `The closing may need another broadcast. ${back}`
    case 'ending':
      return `Your coins are being taken on the chain, which needs this wallet again. ${back}`
    case 'behind':
      return 'The other side has to close. Your balance waits there for your seed alone.'
    case 'closed':
      return reserve > 0n ? `${payoutDone} The reserve for fees is on its way there.` : payoutDone
  }
}

const noReserve = `No coin is kept for fees yet: if blocks grow dear, closing alone could take long. Have ${feeReserve} sat and a fee in this wallet, and it keeps them.`

function blocksOf(progress: Progress | null): string {
  return progress ? `${progress.have} of ${progress.need} blocks are there.` : 'No block holds it yet.'
}

/** A block takes ten minutes, more or less. */
function spanOf(blocks: number): string {
  const hours = Math.round(blocks / 6)
  if (hours < 2) return `about ${Math.max(10, 10 * blocks)} minutes`
  return hours < 48 ? `about ${hours} hours` : `about ${Math.round(hours / 24)} days`
}

function fromNow(height: number | null, at: number): string {
  return height === null || at <= height ? '' : `, in ${spanOf(at - height)}`
}

/** Why a payment is refused, over a channel of either kind or by an invoice. */
export type PayFault =
  | Extract<OneWayOutcome | TwoWayOutcome, { state: 'refused' }>['fault']
  | Extract<QuotedPayment, { ok: false }>['refusal']['code']

const payRefusals: Readonly<Partial<Record<PayFault, string>>> = {
  'already-paid': 'This wallet has paid the invoice before, and pays none twice.',
  'under-way':
    'This wallet is paying the invoice already. Pay it again to hear what became of it: nothing is paid twice.',
  'other-network': 'The invoice is of another Bitcoin network than this wallet. Ask its payee for one of this network.',
  expired: 'The invoice has expired. Ask its payee for a new one.',
  'other-description':
    'The invoice gives its description as a hash, and it is not that of the text you have. Ask its payee for the text.',
  'amount-missing': 'The invoice leaves the amount to you: say one.',
  'amount-differs': 'The invoice asks for another amount than you say. Say none, or ask its payee for another one.',
  'own-invoice': 'This wallet has made the invoice itself.',
  'no-channel': 'No channel that pays both ways is open. Open one first.',
  'no-way':
    'None of your channels has a way to this payee. Open one with it, or with the hub that it has its channel with.',
  'fee-too-high': 'The way to this payee costs more than you allow. Allow a higher fee, or pay it another way.',
  'expires-too-late': 'It could be on its way for more than two weeks. Ask its payee for another invoice.',
  'unknown-payment': 'The payee does not wait for this payment, or not any more. Ask it for a new one.',
  'amount-not-taken': 'It came back: its payee wants another amount by now. Ask it for a new invoice.',
  'too-late': 'It came back: too few blocks were left for it on its way. Pay it again.',
  'channel-ended': 'The channel ended without it, and what it was made of is yours. Pay it over another channel.',
  insufficient: 'Too little is left to pay with. Pay less, or open a larger channel.',
  reserve: 'A side has to keep its reserve in the channel until it is closed. Pay less.',
  'below-minimum': 'The channel takes no payment as small as that.',
  'too-many-htlcs': 'Too many payments are on their way over the channel. Wait until one has arrived.',
  'too-much-in-flight': 'Too much is on its way over the channel. Pay less, or wait until some of it has arrived.',
  'dust-exposure': 'Too many small payments are on their way over the channel. Wait until one has arrived.',
  underpaid: 'The payee asks for more than that.',
  'not-open': 'The channel is not open.',
  unanswered: 'A payment before it has no answer yet. Wait for it, and pay again under the same name.',
}

/**
 * What a refusal means, and what can be done.
 *
 * @param reason - Why an invoice cannot be read.
 */
export function payRefusal(fault: PayFault, reason = ''): string {
  if (fault === 'malformed-invoice') return `This cannot be read as an invoice: ${reason}. Copy it anew, and whole.`
  if (fault === 'unknown-feature')
    return `The invoice asks for more than this wallet knows of: ${reason}. Ask its payee for a plainer one.`
  return payRefusals[fault] ?? `The other side of the channel does not take it: ${fault}.`
}
