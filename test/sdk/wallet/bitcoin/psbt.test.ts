import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type BitcoinBackend, startBitcoin } from '../../../../edge/local/bitcoinBackend.ts'
import {
  type Account,
  combinePsbts,
  decodeAccountKey,
  decodePsbt,
  multisigAccount,
  type Psbt,
  reviewPsbt,
  singleKeyAccount,
} from '../../../../sdk/bitcoin/index.ts'
import type { BitcoinSigner } from '../../../../sdk/ports.ts'
import { feerate, sats } from '../../../../sdk/units.ts'
import { signPsbt } from '../../../../sdk/wallet/bitcoin/spend.ts'
import { findBitcoind } from '../../../bitcoind.ts'
import { refusalOf } from '../../../contracts/contract.ts'
import { must } from '../../bitcoin/must.ts'
import { done, freshSigner, minedAt, openCoins, paying, rate, strangers } from './coinsWorld.ts'

vi.setConfig({ testTimeout: 120_000 })

const feerateMax = feerate(50_000)
const payee = strangers(80).p2wsh

psbtSuite('ledger', () => startBitcoin({ bitcoind: null }))

const found = findBitcoind()
if (found.binary !== null) psbtSuite('bitcoind', () => startBitcoin({ bitcoind: found.binary, lifetimeMs: 600_000 }))
else
  describe('PSBTs on bitcoind', () => {
    it.skip(`needs a bitcoind (${found.reason})`, () => undefined)
  })

async function accountKeyOf(keys: BitcoinSigner, kind: 'wpkh' | 'tr' | 'multisig') {
  const { xpub, ...origin } = await keys.accountKey(kind)
  return must(decodeAccountKey({ xpub, network: 'regtest', origin }))
}

function psbtSuite(name: string, start: () => Promise<BitcoinBackend>): void {
  describe(`PSBTs on ${name}`, () => {
    let backend: BitcoinBackend
    beforeAll(async () => {
      backend = await start()
    })
    afterAll(() => backend?.stop())

    /** A wallet that holds no keys, and has a coin. */
    async function watched(account: Account, values: readonly bigint[] = [100_000n]) {
      const coins = await openCoins(backend, { keys: { watch: [account] } })
      for (const value of values) {
        await backend.fund(await coins.address(), sats(value))
        await backend.mine(1)
      }
      return coins
    }

    it('two of three signers pay together, one after the other or apart', async () => {
      const signers = [freshSigner(), freshSigner(), freshSigner()] as const
      const keys = await Promise.all(signers.map((signer) => accountKeyOf(signer, 'multisig')))
      const account = must(multisigAccount('regtest', 2, keys))
      const coins = await watched(account, [100_000n, 80_000n])
      expect(await coins.send([paying(payee, 20_000n)])).toMatchObject({ code: 'watch-only' })

      const made = done(await coins.createPaymentPsbt([paying(payee, 20_000n)], rate(2)))
      const review = must(reviewPsbt(must(decodePsbt(made.psbt)), account))
      expect(review).toMatchObject({ fee: made.fee, spent: made.total })
      const one = must(await signPsbt(signers[0], made.psbt, feerateMax))
      expect(await coins.submitPsbt(one)).toMatchObject({ code: 'unsigned' })
      const both = must(await signPsbt(signers[2], one, feerateMax))
      const sent = done(await coins.submitPsbt(both))
      expect(done(await coins.submitPsbt(both)).txid).toBe(sent.txid)
      expect(await coins.status(sent.txid)).toMatchObject({ transaction: { payments: [{ value: 20_000n }] } })
      await backend.mine(1)
      expect(await minedAt(backend, sent.txid)).not.toBeNull()

      const next = done(await coins.createPaymentPsbt([paying(payee, 30_000n)], rate(2))).psbt
      const apart: Psbt[] = []
      for (const signer of [signers[1], signers[0]]) apart.push(must(await signPsbt(signer, next, feerateMax)))
      const last = done(await coins.submitPsbt(must(combinePsbts(apart[0] as Psbt, apart[1] as Psbt))))
      await backend.mine(1)
      await coins.refresh()
      expect(await coins.status(last.txid)).toMatchObject({ state: 'confirmed' })
    })

    it('a watching wallet pays by a signer elsewhere, and each coin once', async () => {
      const signer = freshSigner()
      const coins = await watched(singleKeyAccount('tr', 'regtest', await accountKeyOf(signer, 'tr')))
      const [one, other] = [
        done(await coins.createPaymentPsbt([paying(payee, 20_000n)], rate(1))),
        done(await coins.createPaymentPsbt([paying(payee, 30_000n)], rate(1))),
      ]
      const signed = must(await signPsbt(signer, one.psbt, feerateMax))
      const sent = done(await coins.submitPsbt(signed))
      expect(await coins.submitPsbt(must(await signPsbt(signer, other.psbt, feerateMax)))).toMatchObject({
        code: 'coin-taken',
      })
      expect(await coins.speedUp(sent.txid)).toMatchObject({ code: 'watch-only' })
      await backend.mine(1)
      expect(await coins.balance()).toMatchObject({ confirmed: one.change })
    })

    it('refuses what is no PSBT, what is not signed, and what pays too much', async () => {
      const signer = freshSigner()
      const coins = await watched(singleKeyAccount('wpkh', 'regtest', await accountKeyOf(signer, 'wpkh')))
      const { psbt } = done(await coins.createPaymentPsbt([paying(payee, 20_000n)], rate(60)))
      expect(await coins.submitPsbt(Uint8Array.of(1, 2, 3))).toMatchObject({ code: 'malformed-psbt' })
      expect(await coins.submitPsbt(psbt)).toMatchObject({ code: 'unsigned' })
      expect(await signPsbt(signer, psbt, feerateMax)).toMatchObject({ ok: false })
      expect(await signPsbt(signer, Uint8Array.of(1), feerateMax)).toMatchObject({ ok: false })
      const stranger = must(await signPsbt(freshSigner(), psbt, feerate(100_000)))
      expect(await coins.submitPsbt(stranger)).toMatchObject({ code: 'unsigned' })
      const wrong = { ...signer, sign: async () => new Uint8Array(64).fill(1) }
      expect(await refusalOf(signPsbt(wrong, psbt, feerate(100_000)))).toBe('signer/wrong-signature')
    })
  })
}
