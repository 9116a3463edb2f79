import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BitcoinBackend, startBitcoin } from '../../../../edge/local/bitcoinBackend.ts'
import {
  encodeAddress,
  encodeFundingScript,
  fundingOutputScript,
  networks,
  p2wpkh,
} from '../../../../sdk/bitcoin/index.ts'
import { currentEngine } from '../../../../sdk/crypto/index.ts'
import { createBitcoinKeyring } from '../../../../sdk/keys/index.ts'
import { feerate, height, sats } from '../../../../sdk/units.ts'
import { refundFromSeed } from '../../../../sdk/wallet/bitcoin/refund.ts'
import { keyringBitcoinSigner } from '../../../../sdk/wallet/bitcoin/signer.ts'

const seed = new Uint8Array(32).fill(21)
const payee = currentEngine().publicKey(new Uint8Array(32).fill(22))
const payerScript = p2wpkh(currentEngine().publicKey(new Uint8Array(32).fill(23)))
const capacity = sats(50_000n)

/** Another process, which has the seed and nothing else. */
function keysFromSeed() {
  return keyringBitcoinSigner(createBitcoinKeyring(seed, networks.regtest))
}

describe('a refund without any record of the channel', () => {
  let backend: BitcoinBackend
  beforeAll(async () => {
    backend = await startBitcoin({ bitcoind: null })
  })
  afterAll(() => backend.stop())

  it('[OW4] takes everything back from seed and script alone, from the expiry on and not before', async () => {
    const expiry = height((await backend.node.tip()).height + 3)
    const fundingScript = encodeFundingScript({ payer: await keysFromSeed().channelKey(7), payee, expiry })
    const address = encodeAddress(fundingOutputScript(fundingScript), 'regtest') ?? ''
    const funding = await backend.fund(address, capacity)
    await backend.mine(1)
    const wish = { keys: keysFromSeed(), fundingScript, funding, capacity, payerScript, feerate: feerate(2_000) }
    const { bytes, txid } = await refundFromSeed(wish)
    expect(await backend.node.broadcast(bytes)).toMatchObject({ ok: false, code: 'non-final' })
    await backend.mine(2)
    expect(await backend.node.broadcast(bytes)).toEqual({ ok: true, txid })
    await backend.mine(1)
    const [coin] = await backend.node.coins(payerScript)
    expect(coin?.outpoint.txid).toBe(txid)
    expect(coin?.value).toBeGreaterThan(49_500n)
  })

  it('refuses a script that is no funding, a key of another seed, and a fee that leaves nothing', async () => {
    const wish = {
      keys: keysFromSeed(),
      fundingScript: Uint8Array.of(0x51),
      funding: { txid: (await backend.fund(encodeAddress(payerScript, 'regtest') ?? '', capacity)).txid, index: 0 },
      capacity,
      payerScript,
      feerate: feerate(2_000),
      keysMax: 10,
    }
    await expect(refundFromSeed(wish)).rejects.toMatchObject({ code: 'wallet/unknown-channel' })
    const foreign = encodeFundingScript({
      payer: payee,
      payee: await keysFromSeed().channelKey(0),
      expiry: height(900),
    })
    await expect(refundFromSeed({ ...wish, fundingScript: foreign })).rejects.toMatchObject({
      code: 'wallet/unknown-channel',
    })
    const own = encodeFundingScript({ payer: await keysFromSeed().channelKey(0), payee, expiry: height(900) })
    await expect(refundFromSeed({ ...wish, fundingScript: own, feerate: feerate(9_000_000) })).rejects.toMatchObject({
      code: 'wallet/fee-too-high',
    })
  })
})
