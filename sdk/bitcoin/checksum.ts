/** The characters of a descriptor, in three groups of 32 (BIP-380): a slip of the pen mostly stays in its group. */
const letters = '0123456789()[],\'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#"\\ '
const checksumLetters = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const generator = [0xf5dee51989n, 0xa9fdca3312n, 0x1bab10e32dn, 0x3706b1677an, 0x644d626ffdn]

/** The eight characters that follow `#` behind a descriptor (BIP-380), or nothing for a foreign character. */
export function descriptorChecksum(script: string): string | undefined {
  const symbols = symbolsOf(script)
  if (!symbols) return undefined
  const remainder = polymod([...symbols, 0, 0, 0, 0, 0, 0, 0, 0]) ^ 1n
  let text = ''
  for (let at = 7n; at >= 0n; at--) text += checksumLetters[Number((remainder >> (5n * at)) & 31n)]
  return text
}

/** Each character's place in its group; after every third, the three groups as one symbol. */
function symbolsOf(script: string): number[] | undefined {
  const symbols: number[] = []
  let groups: number[] = []
  for (const letter of script) {
    const at = letters.indexOf(letter)
    if (at < 0) return undefined
    symbols.push(at & 31)
    groups.push(at >> 5)
    if (groups.length < 3) continue
    symbols.push(asBase3(groups))
    groups = []
  }
  if (groups.length > 0) symbols.push(asBase3(groups))
  return symbols
}

function asBase3(digits: readonly number[]): number {
  return digits.reduce((value, digit) => 3 * value + digit, 0)
}

/** Remainder of the BCH code over 40 bits. */
function polymod(symbols: readonly number[]): bigint {
  let remainder = 1n
  for (const symbol of symbols) {
    const top = remainder >> 35n
    remainder = ((remainder & 0x7ffffffffn) << 5n) ^ BigInt(symbol)
    generator.forEach((term, at) => {
      if ((top >> BigInt(at)) & 1n) remainder ^= term
    })
  }
  return remainder
}
