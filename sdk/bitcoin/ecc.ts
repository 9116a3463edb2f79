import { initEccLib } from 'bitcoinjs-lib/src/ecc_lib'
import { currentEngine } from '../crypto/engine.ts'

/** The curve as bitcoinjs-lib wants it, on whichever engine is in use. */
const curve: NonNullable<Parameters<typeof initEccLib>[0]> = {
  isXOnlyPoint: (key) => currentEngine().isXOnlyKey(key),
  xOnlyPointAddTweak: (key, tweak) => {
    const tweaked = currentEngine().tweakXOnlyKey(key, tweak)
    return tweaked ? { xOnlyPubkey: tweaked.key, parity: tweaked.parity } : null
  },
}

/**
 * Lends the library our curve, which its taproot code looks up. Called where that code is about to run, not at
 * import, so that a bundle without it stays without it. The library checks the curve once and knows it again.
 */
export function lendCurve(): void {
  initEccLib(curve)
}
