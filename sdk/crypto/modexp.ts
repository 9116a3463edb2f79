/**
 * base ** exponent modulo modulus, all of them big-endian bytes of any length: as many bytes as the modulus has, zeros
 * for a modulus of zero (EIP-198). The work grows with the square of the lengths: bound them before.
 */
export function modexp(base: Uint8Array, exponent: Uint8Array, modulus: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(modulus.length)
  const divisor = numberOf(modulus)
  if (divisor === 0n) return bytes
  const power = raise(numberOf(base) % divisor, exponent, divisor)
  const digits = power.toString(16).padStart(2 * bytes.length, '0')
  for (let at = 0; at < bytes.length; at++) bytes[at] = Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16)
  return bytes
}

/** Four bits of the exponent at a time. */
function raise(base: bigint, exponent: Uint8Array, modulus: bigint): bigint {
  const powers = [1n % modulus]
  for (let at = 1; at < 16; at++) powers.push(((powers[at - 1] as bigint) * base) % modulus)
  let result = 1n % modulus
  let hasBegun = false
  for (const byte of exponent)
    for (const nibble of [byte >> 4, byte & 15]) {
      if (hasBegun) for (let square = 0; square < 4; square++) result = (result * result) % modulus
      if (nibble !== 0) result = (result * (powers[nibble] as bigint)) % modulus
      hasBegun ||= nibble !== 0
    }
  return result
}

function numberOf(bytes: Uint8Array): bigint {
  let digits = ''
  for (const byte of bytes) digits += byte.toString(16).padStart(2, '0')
  return digits === '' ? 0n : BigInt(`0x${digits}`)
}
