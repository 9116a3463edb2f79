import { describe, expect, it } from 'vitest'
import { decodeTransaction, encodeTransaction, outpointKey } from '../../../../sdk/bitcoin/index.ts'
import { txidOfUnsigned } from '../../../../sdk/bitcoin/transaction.ts'
import {
  type ArchivedHtlc,
  type Change,
  type Claim,
  claimFee,
  classify,
  type LiveChannel,
  otherSide,
  ownTransaction,
  penaltyStep,
  pursueClaims,
  resolve,
  type Side,
} from '../../../../sdk/channel/penalty/index.ts'
import { sha256 } from '../../../../sdk/crypto/engine.ts'
import { feerate, height, msats, sats } from '../../../../sdk/units.ts'
import { must } from '../../bitcoin/must.ts'
import { onFakeCurve } from './fake.ts'
import { bytesOf, feed, live, opened, type Pair, pay, take } from './pair.ts'

onFakeCurve()

const preimage = bytesOf('preimage')
const payment = pay(50_000_000n)
const add: Change = {
  type: 'add',
  id: 0,
  amount: msats(60_000_000n),
  paymentHash: sha256(preimage),
  expiry: height(600),
}
const propose = (...changes: Change[]) => ({ type: 'propose', changes }) as const

const transactionOf = (pair: Pair, side: Side, channel = live(pair, side)) =>
  must(decodeTransaction(ownTransaction(channel, pair.secrets[side])))

function archiveOf(pair: Pair, side: Side): readonly ArchivedHtlc[] {
  return pair.notes[side].flatMap((note) => (note.type === 'added' ? [{ htlc: note.htlc, number: note.number }] : []))
}

function seen(pair: Pair, side: Side, by: Side, old: LiveChannel = live(pair, by)) {
  const transaction = transactionOf(pair, by, old)
  return classify(live(pair, side), pair.secrets[side], transaction, archiveOf(pair, side))
}

describe('what took the funding', () => {
  it('[TW35] is known by both sides at every moment of an update', () => {
    const pair = opened({ pushed: 100_000n })
    feed(pair, 'opener', propose(payment, add))
    expect(seen(pair, 'opener', 'opener').kind).toBe('own')
    expect(seen(pair, 'opener', 'accepter').kind).toBe('peer')
    const hold = (side: Side, input: Parameters<typeof penaltyStep>[1]) =>
      take(pair, side, penaltyStep(pair.channels[side], input, pair.secrets[side]))[0] as never
    const before = live(pair, 'accepter')
    const commit = hold('opener', propose(payment))
    // Until the answer has come, the accepter may hold either.
    expect(seen(pair, 'opener', 'accepter', before).kind).toBe('peer')
    const answer = hold('accepter', { type: 'message', message: commit })
    expect(seen(pair, 'opener', 'accepter').kind).toBe('peer')
    expect(seen(pair, 'accepter', 'opener').kind).toBe('peer')
    hold('opener', { type: 'message', message: answer })
    expect(seen(pair, 'opener', 'accepter', before).kind).toBe('revoked')
    expect(seen(pair, 'opener', 'accepter').kind).toBe('peer')
  })

  it('[TW35] [TW22] tells every output of a revoked commitment, HTLCs by the archive', () => {
    const pair = opened({ pushed: 100_000n })
    feed(pair, 'opener', propose(add))
    const old = live(pair, 'accepter')
    feed(pair, 'opener', propose(payment))
    const { kind, outputs } = seen(pair, 'opener', 'accepter', old)
    expect(kind).toBe('revoked')
    expect(outputs.map(({ role }) => role).sort()).toEqual(['anchor', 'anchor', 'htlc', 'to-holder', 'to-other'])
    // TW47: what the newest state has still, it knows without an archive; anything else is an HTLC that it has forgotten.
    const blindly = () => classify(live(pair, 'opener'), pair.secrets.opener, transactionOf(pair, 'accepter', old), [])
    expect(blindly().outputs).toEqual(outputs)
    feed(pair, 'accepter', { type: 'ask' })
    feed(pair, 'accepter', propose({ type: 'fail', id: 0, reason: 'no-way-on' }))
    expect(seen(pair, 'opener', 'accepter', old).outputs).toEqual(outputs)
    const roles = blindly().outputs.map(({ role }) => role)
    expect(roles.sort()).toEqual(['anchor', 'anchor', 'forgotten', 'to-holder', 'to-other'])
  })

  it('[TW35] is an old one of its own, and one that it does not know', () => {
    const pair = opened({ pushed: 100_000n })
    const [first, peerFirst] = [live(pair, 'opener'), live(pair, 'accepter')]
    feed(pair, 'opener', propose(payment))
    expect(seen(pair, 'opener', 'opener', first)).toMatchObject({ kind: 'own-other', number: 0 })
    expect(seen(pair, 'opener', 'accepter', peerFirst)).toMatchObject({ kind: 'revoked', number: 0 })
    const lost = { ...pair, channels: { ...pair.channels, opener: first } }
    const newer = classify(first, pair.secrets.opener, transactionOf(pair, 'accepter'), [])
    expect(newer).toMatchObject({ kind: 'newer', number: 1 })
    expect(live(lost, 'opener').base.number).toBe(0)
    // Its balance there is swept by the seed alone.
    const facts = { height: height(200), spend: found(transactionOf(pair, 'accepter')), spends: new Map() }
    const { claims } = resolve(first, pair.secrets.opener, newer, facts)
    expect(claims.map(({ kind, value }) => [kind, value])).toEqual([['own', 848_216n]])
  })

  it('[TW35] is a closing, or nothing of this channel', () => {
    const pair = opened({ pushed: 100_000n })
    feed(pair, 'opener', { type: 'close', fee: sats(300n) })
    const closing = must(decodeTransaction(pair.broadcast.opener.at(-1) as Uint8Array))
    const channel = live(pair, 'accepter')
    expect(classify(channel, pair.secrets.accepter, closing, []).kind).toBe('closing')
    const { inputs, version, locktime } = closing
    const foreign = { version, locktime, inputs, outputs: [{ script: bytesOf('x', 22), value: sats(1n) }] }
    const unknown = { ...closing, ...foreign, txid: txidOfUnsigned(foreign) }
    expect(classify(channel, pair.secrets.accepter, unknown, []).kind).toBe('unknown')
    expect(encodeTransaction(foreign).length).toBeGreaterThan(50)
  })
})

const found = (transaction: ReturnType<typeof transactionOf>) => ({ transaction, height: height(150) })

/** The HTLC transaction of a side with its preimage, in a block, by the output that it took. */
function takenBySuccess(claims: readonly Claim[]) {
  const success = claims.find(({ kind }) => kind === 'success')
  if (success?.kind !== 'success') throw new Error('It has the preimage.')
  const first = must(decodeTransaction(encodeTransaction(success.transaction.unsigned, [[Uint8Array.of(1)]])))
  return [outpointKey(first.inputs[0]?.outpoint as never), found(first)] as const
}

describe('a side that was restored', () => {
  const facts = (
    spend: ReturnType<typeof found>,
    ...spends: readonly (readonly [string, ReturnType<typeof found>])[]
  ) => {
    return { height: height(800), spend, spends: new Map(spends) }
  }

  it('[TW47] takes HTLCs of the commitment after the last that it knows', () => {
    const pair = opened({ pushed: 100_000n })
    feed(pair, 'opener', propose(add))
    feed(pair, 'accepter', { type: 'learn', preimage })
    feed(pair, 'accepter', { type: 'ask' })
    feed(pair, 'accepter', propose({ ...add, expiry: height(500) }))
    const before = live(pair, 'accepter')
    feed(pair, 'opener', { type: 'ask' })
    feed(pair, 'opener', propose(payment))
    const transaction = transactionOf(pair, 'opener')
    const claimsOf = (channel: LiveChannel, archive: readonly ArchivedHtlc[]) => {
      const classified = classify(channel, pair.secrets.accepter, transaction, archive)
      return resolve(channel, pair.secrets.accepter, classified, facts(found(transaction)))
    }
    const [knowing, restored] = [
      claimsOf(live(pair, 'accepter'), archiveOf(pair, 'accepter')),
      claimsOf({ ...before, origin: 'backup' }, []),
    ]
    expect([knowing.kind, restored.kind]).toEqual(['peer', 'newer'])
    expect(knowing.claims.map(({ kind }) => kind).sort()).toEqual(['expired', 'own', 'preimage'])
    expect(restored.claims).toEqual(knowing.claims)
  })

  it('[TW47] takes what a cheater makes of an HTLC that it has forgotten', () => {
    const pair = opened({ pushed: 100_000n })
    feed(pair, 'opener', propose(add))
    feed(pair, 'accepter', { type: 'learn', preimage })
    const old = live(pair, 'accepter')
    feed(pair, 'accepter', { type: 'ask' })
    feed(pair, 'accepter', propose({ type: 'fail', id: 0, reason: 'no-way-on' }))
    const spend = found(transactionOf(pair, 'accepter', old))
    const cheating = classify(old, pair.secrets.accepter, spend.transaction, [])
    const taken = takenBySuccess(resolve(old, pair.secrets.accepter, cheating, facts(spend)).claims)
    const resolved = (...spends: readonly (typeof taken)[]) => {
      const classified = classify(live(pair, 'opener'), pair.secrets.opener, spend.transaction, [])
      return resolve(live(pair, 'opener'), pair.secrets.opener, classified, facts(spend, ...spends))
    }
    const values = (claims: readonly Claim[]) => claims.map(({ kind, value }) => [kind, value])
    const [watching, taking] = [resolved(), resolved(taken)]
    expect([values(watching.claims).length, watching.isWatching, taking.isWatching]).toEqual([2, true, false])
    expect(values(taking.claims)).toEqual(expect.arrayContaining([...values(watching.claims), ['justice', 60_000n]]))
  })

  it('[TW47] takes what an HTLC transaction of its own gave, though it has forgotten the HTLC', () => {
    const pair = opened({ pushed: 100_000n })
    const forgot = live(pair, 'accepter')
    feed(pair, 'opener', propose(add))
    feed(pair, 'accepter', { type: 'learn', preimage })
    const own = live(pair, 'accepter')
    const spend = found(transactionOf(pair, 'accepter'))
    const classified = classify(own, pair.secrets.accepter, spend.transaction, [])
    const taken = takenBySuccess(resolve(own, pair.secrets.accepter, classified, facts(spend)).claims)
    const other = classify(forgot, pair.secrets.accepter, spend.transaction, [])
    expect(other.kind).toBe('own-other')
    const { claims } = resolve(forgot, pair.secrets.accepter, other, facts(spend, taken))
    expect(claims.map(({ kind, value }) => [kind, value]).sort()).toEqual([
      ['own', 100_000n],
      ['own', 60_000n],
    ])
  })
})

describe('claims', () => {
  it('[TW36] [TW38] wait for their block; those with a deadline go alone, the rest together', () => {
    const pair = opened({ pushed: 100_000n })
    feed(pair, 'opener', propose(add))
    const old = live(pair, 'opener')
    feed(pair, 'opener', propose(payment))
    const spend = found(transactionOf(pair, 'opener', old))
    const classified = seen(pair, 'accepter', 'opener', old)
    const facts = { height: height(150), spend, spends: new Map() }
    const resolution = resolve(live(pair, 'accepter'), pair.secrets.accepter, classified, facts)
    const claims = resolution.claims.map(({ kind, from, deadline, htlc }) => [kind, from, deadline, htlc?.id])
    expect(claims).toEqual(
      expect.arrayContaining([
        ['justice', 150, 294, 0],
        ['own', 151, null, undefined],
        ['justice', 150, 294, undefined],
      ]),
    )
    const wish = { feerate: feerate(1_000), to: bytesOf('x', 22), coins: [] }
    expect(resolution.isResolved).toBe(false)
    expect(pursueClaims(resolution, { ...wish, tip: height(149) }).transactions).toHaveLength(2)
    expect(pursueClaims(resolution, { ...wish, tip: height(150) }).transactions).toHaveLength(3)
    expect(otherSide('opener')).toBe('accepter')
  })

  it('[TW38] pay more the nearer their deadline, up to half their value, and never less than before', () => {
    const fee = (blocksLeft: number | null) =>
      claimFee({ weight: 600, value: sats(100_000n), feerate: feerate(2_000), blocksLeft })
    const fees = [null, 144, 31, 30, 10, 5, 2, 1, 0].map((left) => fee(left))
    expect(fees).toEqual([300n, 300n, 300n, 300n, 348n, 1_853n, 12_725n, 25_150n, 50_000n])
    const small = { weight: 600, feerate: feerate(2_000), blocksLeft: 0 }
    expect(claimFee({ ...small, value: sats(400n) })).toBe(300n)
    // Half of it would leave less than dust: such a claim could not be made at all.
    expect(claimFee({ ...small, value: sats(1_100n), leftMin: sats(700n) })).toBe(400n)
  })

  it('[TW38] say how many coins are lacking for HTLC transactions', () => {
    const pair = opened({ pushed: 100_000n })
    feed(pair, 'opener', propose(add))
    feed(pair, 'accepter', { type: 'learn', preimage })
    const classified = seen(pair, 'accepter', 'accepter')
    const facts = { height: height(150), spend: found(transactionOf(pair, 'accepter')), spends: new Map() }
    const resolution = resolve(live(pair, 'accepter'), pair.secrets.accepter, classified, facts)
    expect(resolution.claims.map(({ kind }) => kind).sort()).toEqual(['own', 'success'])
    const wish = { tip: height(150), feerate: feerate(1_000), to: bytesOf('x', 22), coins: [] }
    expect(pursueClaims(resolution, wish)).toEqual({ transactions: [], planned: [], lacking: 1 })
  })
})
