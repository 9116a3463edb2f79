import { afterAll, beforeAll } from 'vitest'
import { nobleEngine, useEngine } from '../../../../sdk/crypto/index.ts'
import { fakeCurve } from '../../../sim/fakeCurve.ts'

/** Runs the tests of a file on a curve that is as strict as the real one and takes microseconds. */
export function onFakeCurve(): void {
  beforeAll(() => useEngine(fakeCurve))
  afterAll(() => useEngine(nobleEngine))
}
