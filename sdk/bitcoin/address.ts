import { fromBase58Check, fromBech32, toBase58Check, toBech32 } from 'bitcoinjs-lib/src/address'
import { currentEngine } from '../crypto/engine.ts'
import { accepted, type Decoded, refused } from '../errors.ts'
import { type Network, networks } from './network.ts'
import { p2pkh, p2sh, scriptKind, witnessProgram, witnessScriptPubKey } from './script.ts'

/** Longest text that can be an address (BIP-173). */
const addressCharsMax = 90

/**
 * Reads an address into the output script it stands for: P2PKH, P2SH, P2WPKH, P2WSH, P2TR, and segwit
 * programs of versions to come (BIP-173, BIP-350). Never throws.
 *
 * Refuses checksums of the wrong kind, addresses of another network, lengths a version does not have, and
 * taproot keys that are no point of the curve, since nobody could ever spend from them.
 *
 * Funds at risk: until a future segwit version has rules, anyone can take what is sent there. A caller that
 * does not want that refuses scripts whose {@link scriptKind} is `witness`.
 */
export function decodeAddress(text: string, network: Network): Decoded<Uint8Array> {
  if (text.length > addressCharsMax) return refused('the address is too long')
  const isSegwit = Object.values(networks).some(({ bech32 }) => text.toLowerCase().startsWith(`${bech32}1`))
  return isSegwit ? decodeSegwit(text, network) : decodeBase58(text, network)
}

/** Writes the address of an output script, or nothing when its form has none. */
export function encodeAddress(script: Uint8Array, network: Network): string | undefined {
  const params = networks[network]
  const kind = scriptKind(script)
  if (kind === 'p2pkh') return toBase58Check(script.slice(3, 23), params.pubKeyHash)
  if (kind === 'p2sh') return toBase58Check(script.slice(2, 22), params.scriptHash)
  if (kind === 'data' || kind === 'other') return undefined
  const program = witnessProgram(script)
  return program && toBech32(program.bytes, program.version, params.bech32)
}

function decodeSegwit(text: string, network: Network): Decoded<Uint8Array> {
  const parts = orNothing(() => fromBech32(text))
  if (!parts) return refused('the address has a wrong checksum or a wrong letter')
  if (parts.prefix !== networks[network].bech32) return refused('the address belongs to another network')
  if (parts.version > 16 || parts.data.length < 2 || parts.data.length > 40)
    return refused('no segwit program has this version or length')
  const script = witnessScriptPubKey(parts.version, parts.data)
  const kind = scriptKind(script)
  if (kind === 'other') return refused('segwit version 0 has no program of this length')
  if (kind === 'p2tr' && !currentEngine().isXOnlyKey(parts.data)) return refused('the taproot key is no point')
  return accepted(script)
}

function decodeBase58(text: string, network: Network): Decoded<Uint8Array> {
  const parts = orNothing(() => fromBase58Check(text))
  if (!parts) return refused('the text is no address, or has a wrong checksum')
  const params = networks[network]
  if (parts.version === params.pubKeyHash) return accepted(p2pkh(parts.hash))
  if (parts.version === params.scriptHash) return accepted(p2sh(parts.hash))
  return refused('the address belongs to another network')
}

function orNothing<value>(run: () => value): value | undefined {
  try {
    return run()
  } catch {
    return undefined // The library throws on text that is no address.
  }
}
