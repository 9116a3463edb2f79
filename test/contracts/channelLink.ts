import { SdkError } from '../../sdk/errors.ts'
import type { ChannelLink, LinkMessage } from '../../sdk/ports.ts'
import { height } from '../../sdk/units.ts'
import { closingOf } from '../edge/closings.ts'
import { type Contract, type Rule, same } from './contract.ts'

/** A new channel's box, seen from both sides. */
export interface LinkPlace {
  readonly payer: ChannelLink
  readonly payee: ChannelLink
  /** The payer's side under another token. */
  readonly stranger: ChannelLink
}

/** The rules of the `ChannelLink` port. Each gets a place of its own. */
export function channelLinkContract(name: string, open: () => Promise<LinkPlace>): Contract {
  const rule = (title: string, run: (place: LinkPlace) => Promise<void>): Rule => ({
    title,
    check: async () => run(await open()),
  })
  return { name, rules: [...sendRules(rule), ...readRules(rule), ...depositRules(rule)] }
}

type Ruler = (title: string, run: (place: LinkPlace) => Promise<void>) => Rule

function sendRules(rule: Ruler): Rule[] {
  return [
    rule('[CL1] what one side sends the other receives, byte for byte and in order, both ways', async (place) => {
      await sendAll(place.payer, [1, 2, 3])
      await sendAll(place.payee, [1, 2])
      same(await take(place.payee, 0, 3), [1, 2, 3].map(message), 'to the payee')
      same(await take(place.payer, 0, 2), [1, 2].map(message), 'to the payer')
    }),
    rule('[CL2] equal bytes under one sequence are one message', async ({ payer, payee }) => {
      await sendAll(payer, [1, 2])
      await sendAll(payer, [1, 2, 2, 3])
      same(await take(payee, 0, 3), [1, 2, 3].map(message), 'messages')
      same(await payer.standing(), { epoch: 1, sent: 3, acknowledged: 0, read: 0 }, 'standing')
    }),
    rule('[CL3] other bytes under a used sequence, and a hole, are refused and change nothing', async (place) => {
      const { payer, payee } = place
      await sendAll(payer, [1, 2])
      const other = payer.send({ sequence: 1, epoch: 1, bytes: Uint8Array.of(9) })
      same(await refusalOf(other), 'relay/refused conflicting-message final', 'other bytes')
      same(await refusalOf(send(payer, 4)), 'relay/refused message-gap final', 'a hole')
      same(await take(payee, 0, 2), [1, 2].map(message), 'messages')
    }),
    rule(
      '[CL4] a higher epoch takes over; the lower one is told, and can neither send nor acknowledge',
      async (place) => {
        const { payer, payee } = place
        await sendAll(payer, [1])
        await sendAll(payee, [1, 2])
        await payer.send({ ...message(2), epoch: 5 })
        const calls = [() => send(payer, 3), () => send(payer, 1), () => payer.acknowledge({ through: 1, epoch: 4 })]
        for (const call of calls) same(await refusalOf(call()), 'relay/refused stale-epoch final', 'the old device')
        same(await payer.standing(), { epoch: 5, sent: 2, acknowledged: 0, read: 0 }, 'standing')
        same(await payee.standing(), { epoch: 1, sent: 2, acknowledged: 0, read: 0 }, 'the other side')
        await payer.acknowledge({ through: 1, epoch: 6 })
        same(await payer.standing(), { epoch: 6, sent: 2, acknowledged: 0, read: 1 }, 'standing')
      },
    ),
    rule('[CL5] a message of 2,048 bytes is taken; a longer or empty one is refused', async ({ payer, payee }) => {
      const long = { sequence: 1, bytes: new Uint8Array(2_048).fill(7) }
      await payer.send({ ...long, epoch: 1 })
      const longer = payer.send({ sequence: 2, epoch: 1, bytes: new Uint8Array(2_049) })
      same(await refusalOf(longer), 'relay/refused message-too-large final', 'longer')
      const empty = payer.send({ sequence: 2, epoch: 1, bytes: new Uint8Array(0) })
      same(await refusalOf(empty), 'relay/refused malformed-message final', 'empty')
      same(await take(payee, 0, 1), [long], 'messages')
    }),
    rule('[CL6] only the token that came first speaks for a side', async ({ payer, payee, stranger }) => {
      await sendAll(payer, [1])
      await sendAll(payee, [1])
      const calls = [
        () => send(stranger, 2),
        () => take(stranger, 0, 1),
        () => stranger.acknowledge({ through: 1, epoch: 9 }),
        () => stranger.standing(),
      ]
      for (const call of calls) same(await refusalOf(call()), 'relay/refused unauthorized final', 'the stranger')
      same(await payer.standing(), { epoch: 1, sent: 1, acknowledged: 0, read: 0 }, 'standing')
    }),
  ]
}

function readRules(rule: Ruler): Rule[] {
  return [
    rule('[CL7] reading resumes after a cursor, and the same messages come again until acknowledged', async (place) => {
      const { payer, payee } = place
      await sendAll(payer, [1, 2, 3])
      same(await take(payee, 1, 2), [2, 3].map(message), 'after the first')
      same(await take(payee, 0, 3), [1, 2, 3].map(message), 'from the start')
    }),
    rule('[CL8] a reader that waits is told of a message when it comes', async ({ payer, payee }) => {
      const waiting = take(payee, 0, 2)
      await sendAll(payer, [1])
      await sendAll(payer, [2])
      same(await waiting, [1, 2].map(message), 'messages')
    }),
    rule('[CL9] an aborted reader ends quietly', async ({ payee }) => {
      const stop = new AbortController()
      const waiting = take(payee, 0, 1, stop)
      setTimeout(() => stop.abort(), 20)
      same(await waiting, [], 'messages')
    }),
    rule('[CL10] an acknowledgement is told to the writer; one ahead of it is refused', async ({ payer, payee }) => {
      await sendAll(payer, [1, 2, 3])
      await payee.acknowledge({ through: 2, epoch: 1 })
      await payee.acknowledge({ through: 2, epoch: 1 })
      await payee.acknowledge({ through: 1, epoch: 1 })
      same(await payer.standing(), { epoch: 1, sent: 3, acknowledged: 2, read: 0 }, 'standing')
      same(await payee.standing(), { epoch: 1, sent: 0, acknowledged: 0, read: 2 }, 'where the reader goes on')
      const ahead = payee.acknowledge({ through: 4, epoch: 1 })
      same(await refusalOf(ahead), 'relay/refused cursor-ahead final', 'ahead')
      same(await refusalOf(take(payee, 4, 1)), 'relay/refused cursor-ahead final', 'reading ahead')
      same(await take(payee, 2, 1), [message(3)], 'the rest')
    }),
    rule('[CL11] a full inbox refuses until its reader has acknowledged', async ({ payer, payee }) => {
      const bytes = new Uint8Array(2_048)
      for (let sequence = 1; sequence <= 128; sequence++) await payer.send({ sequence, epoch: 1, bytes })
      const next = () => payer.send({ sequence: 129, epoch: 1, bytes })
      same(await refusalOf(next()), 'relay/refused backpressure retryable', 'full')
      await payee.acknowledge({ through: 128, epoch: 1 })
      await next()
      same(await take(payee, 128, 1), [{ sequence: 129, bytes }], 'the next')
    }),
    rule('[CL12] messages dropped long ago are neither read nor compared', async ({ payer, payee }) => {
      const sequences = Array.from({ length: 70 }, (_, at) => at + 1)
      await sendAll(payer, sequences)
      same(await take(payee, 0, 70), sequences.map(message), 'all')
      await payee.acknowledge({ through: 70, epoch: 1 })
      same(await refusalOf(take(payee, 0, 1)), 'relay/refused cursor-expired final', 'from the start')
      same(await refusalOf(send(payer, 6)), 'relay/refused message-expired final', 'an old resend')
      await sendAll(payer, [7, 70])
      same(await take(payee, 6, 64), sequences.slice(6).map(message), 'the kept ones')
    }),
  ]
}

function depositRules(rule: Ruler): Rule[] {
  return [
    rule('[CL13] a deposit is replaced by a higher number only, and may be left again', async ({ payee }) => {
      const deposit = (number: number, salt: number) => ({
        number,
        closeAtHeight: height(900),
        transaction: closingOf(salt),
      })
      await payee.deposit(deposit(5, 1))
      await payee.deposit(deposit(5, 1))
      same(await refusalOf(payee.deposit(deposit(5, 2))), 'relay/refused conflicting-deposit final', 'another one')
      same(await refusalOf(payee.deposit(deposit(4, 1))), 'relay/refused stale-deposit final', 'an older one')
      await payee.deposit(deposit(7, 3))
    }),
    rule('[CL14] the payer cannot leave a deposit', async ({ payer }) => {
      const call = payer.deposit({ number: 1, closeAtHeight: height(900), transaction: closingOf(1) })
      same(await refusalOf(call), 'relay/refused unknown-route final', 'the payer')
    }),
  ]
}

/** The message that these rules send under a sequence. */
function message(sequence: number): LinkMessage {
  return { sequence, bytes: Uint8Array.of(sequence, 0, 255 - sequence) }
}

function send(link: ChannelLink, sequence: number): Promise<void> {
  return link.send({ ...message(sequence), epoch: 1 })
}

async function sendAll(link: ChannelLink, sequences: readonly number[]): Promise<void> {
  for (const sequence of sequences) await send(link, sequence)
}

/** The next `count` messages; fewer when `stop` fires before. */
async function take(link: ChannelLink, after: number, count: number, stop = new AbortController()) {
  const messages: LinkMessage[] = []
  for await (const message of link.receive(after, stop.signal)) {
    messages.push(message)
    if (messages.length === count) stop.abort()
  }
  return messages
}

/** Code, the edge's code, and whether the same call may succeed later. */
async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
  } catch (error) {
    if (!(error instanceof SdkError)) throw error
    return `${error.code} ${error.notes[0]} ${error.retryable ? 'retryable' : 'final'}`
  }
  return 'none'
}
