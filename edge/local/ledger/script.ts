import { createHash } from 'node:crypto'
import bitcore from 'bitcore-lib'

/** SHA-256 of an output script in hexadecimal: its name in Esplora. */
export function hashOf(script: Uint8Array): string {
  return createHash('sha256').update(script).digest('hex')
}

/** The output script of a regtest address, or nothing when the text is none. */
export function scriptOfAddress(address: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(bitcore.Script.fromAddress(bitcore.Address.fromString(address, 'regtest')).toBuffer())
  } catch {
    return undefined
  }
}

/** The regtest address of an output script, or nothing when it has none. */
export function addressOf(script: Uint8Array): string | undefined {
  try {
    const address = new bitcore.Script(Buffer.from(script)).toAddress('regtest')
    return address === false ? undefined : address.toString()
  } catch {
    return undefined
  }
}

/** A script in words; nothing when it is cut short. */
export function assemblyOf(script: Uint8Array): string | undefined {
  try {
    return new bitcore.Script(Buffer.from(script)).toASM()
  } catch {
    return undefined
  }
}
