import { afterEach, describe, expect, it, vi } from 'vitest'
import { systemClock, systemRandom } from '../../../sdk/adapters/system.ts'

describe('systemClock', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('tells the milliseconds since 1970', () => {
    vi.useFakeTimers({ now: 1_700_000_000_123 })
    expect(systemClock.now()).toBe(1_700_000_000_123)
  })

  it('sleeps for the time asked', async () => {
    vi.useFakeTimers()
    const woken = vi.fn()
    systemClock.sleep(1_000).then(woken)
    await vi.advanceTimersByTimeAsync(999)
    expect(woken).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(woken).toHaveBeenCalledOnce()
  })

  it('sleeps longer than one timer can', async () => {
    vi.useFakeTimers()
    for (const ms of [60 * 86_400_000, 2 * (2 ** 31 - 1)]) {
      const woken = vi.fn()
      systemClock.sleep(ms).then(woken)
      await vi.advanceTimersByTimeAsync(ms - 1)
      expect(woken).not.toHaveBeenCalled()
      await vi.advanceTimersByTimeAsync(1)
      expect(woken).toHaveBeenCalledOnce()
    }
  })

  it('wakes by rejection when aborted, before or during, and leaves no timer and no listener', async () => {
    vi.useFakeTimers()
    const abort = new AbortController()
    const sleeping = expect(systemClock.sleep(1_000, abort.signal)).rejects.toThrow('enough')
    abort.abort(new Error('enough'))
    await sleeping
    await expect(systemClock.sleep(1_000, abort.signal)).rejects.toThrow('enough')
    expect(vi.getTimerCount()).toBe(0)

    const { signal } = new AbortController()
    const removed = vi.spyOn(signal, 'removeEventListener')
    const slept = systemClock.sleep(5, signal)
    await vi.advanceTimersByTimeAsync(5)
    await slept
    expect(removed).toHaveBeenCalledOnce()
  })

  it('wakes many that share a signal by one listener, which the last one takes away', async () => {
    vi.useFakeTimers()
    const abort = new AbortController()
    const [added, removed] = [vi.spyOn(abort.signal, 'addEventListener'), vi.spyOn(abort.signal, 'removeEventListener')]
    const short = [1, 2, 3].map((ms) => systemClock.sleep(ms, abort.signal))
    await vi.advanceTimersByTimeAsync(3)
    await Promise.all(short)
    expect([added.mock.calls.length, removed.mock.calls.length]).toEqual([1, 1])
    const long = Array.from({ length: 12 }, () => systemClock.sleep(1_000, abort.signal))
    const woken = Promise.allSettled(long)
    abort.abort(new Error('enough'))
    expect((await woken).map(({ status }) => status)).toEqual(long.map(() => 'rejected'))
    expect([added.mock.calls.length, vi.getTimerCount()]).toEqual([2, 0])
  })
})

describe('systemRandom', () => {
  it('fills any size to the last byte, beyond what the platform draws at once', () => {
    expect(systemRandom(0)).toHaveLength(0)
    const bytes = systemRandom(3 * 65_536 + 64)
    for (let at = 0; at < bytes.length; at += 64)
      expect(bytes.subarray(at, at + 64).some((byte) => byte !== 0)).toBe(true)
  })

  it('draws anew each time', () => {
    expect(systemRandom(32)).not.toEqual(systemRandom(32))
  })
})
