import { describe, expect, it } from 'vitest'
import { accepted, InvariantError, invariant, refused, SdkError, unreachable } from '../../sdk/errors.ts'

describe('SdkError', () => {
  it('is an Error with a code, not retryable and without notes or cause unless told', () => {
    const error = new SdkError('store/full', 'The disk is full.')
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name: 'SdkError', code: 'store/full', retryable: false, notes: [] })
    expect('cause' in error).toBe(false)
  })

  it('carries what it is given', () => {
    const cause = new Error('timeout')
    const error = new SdkError('relay/unreachable', 'No answer.', { retryable: true, notes: ['Try later.'], cause })
    expect(error).toMatchObject({ retryable: true, notes: ['Try later.'], cause, message: 'No answer.' })
  })
})

describe('invariant', () => {
  it('passes what holds and stops the program with the rule otherwise', () => {
    expect(() => invariant(true, 'a rule')).not.toThrow()
    expect(() => invariant(0, 'nothing is lost')).toThrow(new InvariantError('Broken invariant: nothing is lost.'))
  })

  it('is no SdkError, so that nobody takes a bug of ours for a failure of the world', () => {
    expect(new InvariantError('x')).not.toBeInstanceOf(SdkError)
  })
})

describe('unreachable', () => {
  it('names the member that a switch forgot', () => {
    expect(() => unreachable({ type: 'new' } as never)).toThrow(new InvariantError('Unhandled case: {"type":"new"}.'))
  })
})

describe('Decoded', () => {
  it('holds a value or a reason', () => {
    expect(accepted(7)).toEqual({ ok: true, value: 7 })
    expect(refused('too long')).toEqual({ ok: false, reason: 'too long' })
  })
})
