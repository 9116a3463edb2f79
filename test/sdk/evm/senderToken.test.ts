import fc from 'fast-check'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { decodeSenderToken, encodeSenderToken, type SenderGrant, senderTokenText } from '../../../sdk/evm/index.ts'
import { address } from '../../../sdk/units.ts'

const signer = privateKeyToAccount(`0x${'11'.repeat(32)}`)
const grant: SenderGrant = { host: 'edge.example', chainId: 1, account: address(signer.address), until: 1_800_000_000 }
const place = { host: grant.host, chainId: grant.chainId }
const tokenOf = async (of: SenderGrant) =>
  encodeSenderToken(of, await signer.signMessage({ message: senderTokenText(of) }))

describe('a token of a sender', () => {
  it('says in words what it is for', () => {
    expect(senderTokenText(grant)).toBe(
      `Tell me of my transactions, and stop them when I say so.

Relay: edge.example
Chain: 1
Account: ${grant.account}
Until: 1800000000 seconds since 1970`,
    )
  })

  it('is read at the relay and for the chain it names, and nowhere else', async () => {
    const token = await tokenOf(grant)
    expect(decodeSenderToken(token, place)).toEqual({ ok: true, value: grant })
    expect(decodeSenderToken(token, { ...place, host: 'other.example' }).ok).toBe(false)
    expect(decodeSenderToken(token, { ...place, chainId: 2 }).ok).toBe(false)
  })

  it('cannot be given another end or another account', async () => {
    const [account, , signature] = (await tokenOf(grant)).split('.')
    expect(decodeSenderToken(`${account}.1800000001.${signature}`, place).ok).toBe(false)
    expect(decodeSenderToken(`0x${'22'.repeat(20)}.${grant.until}.${signature}`, place).ok).toBe(false)
  })

  it('is read without throwing, whatever it is', async () => {
    const token = await tokenOf(grant)
    const cut = fc.nat(token.length).map((at) => token.slice(0, at))
    fc.assert(
      fc.property(fc.oneof(fc.string(), cut), (text) => {
        if (text !== token) expect(decodeSenderToken(text, place).ok).toBe(false)
      }),
    )
  })
})
