import { toHex } from '../../../../../sdk/units.ts'
import { callGasMax } from '../limits.ts'
import type { BlockRef, CallWish } from '../params.ts'
import { type Answer, codes, isGiven, type Methods, method, no, told } from '../rpc.ts'
import { quantityHex } from '../shapes.ts'
import { estimateGas, failureOf, listAccess, runAsSent, runCall, type Stage } from '../simulate.ts'
import { difference, prestate, topCall } from '../trace.ts'
import { type NodeWorld, stageAt } from '../world.ts'

/** Runs that leave nothing behind. */
export function runMethods(world: NodeWorld): Methods {
  const { fork } = world
  const onStage = (run: (stage: Stage, wish: CallWish) => Answer) =>
    method(
      (params) => {
        // A state or block other than ours would make the answer another one, so it is not passed over.
        if (isGiven(params.raw(2)) || isGiven(params.raw(3)))
          params.refuse('overrides of state or block are not offered')
        return { wish: params.call(0), ref: params.block(1) }
      },
      ({ wish, ref }: { readonly wish: CallWish; readonly ref: BlockRef }) => {
        const stage = stageAt(world, ref)
        return 'error' in stage ? stage : run(stage, wish)
      },
    )
  return {
    eth_call: onStage((stage, wish) => {
      const done = runCall(stage, wish)
      if (!done.ok) return { error: done.error }
      const failed = failureOf(done.run)
      return failed ? { error: failed } : told(toHex(done.run.output))
    }),
    eth_estimateGas: onStage((stage, wish) => {
      const estimated = estimateGas(stage, wish, fork)
      return estimated.ok ? told(quantityHex(estimated.gas)) : { error: estimated.error }
    }),
    eth_createAccessList: onStage((stage, wish) => {
      const listed = listAccess(stage, wish, fork)
      if ('code' in listed) return { error: listed }
      const accessList = listed.list.map(({ address, slots }) => ({ address, storageKeys: slots }))
      const error = listed.error ? { error: listed.error.message } : {}
      return told({ accessList, gasUsed: quantityHex(listed.gasUsed), ...error })
    }),
    debug_traceCall: method(
      (params) => ({ wish: params.call(0), ref: params.block(1), options: params.record(2) }),
      ({ wish, ref, options }) => {
        const stage = stageAt(world, ref)
        if ('error' in stage) return stage
        if (isGiven(options.stateOverrides) || isGiven(options.blockOverrides))
          return no(codes.params, 'Invalid parameters: overrides of state or block are not offered')
        return trace(stage, wish, options, world)
      },
    ),
  }
}

function trace(stage: Stage, wish: CallWish, options: Readonly<Record<string, unknown>>, { fork }: NodeWorld): Answer {
  const { tracer, tracerConfig } = options
  const settings = (tracerConfig ?? {}) as Readonly<Record<string, unknown>>
  const isPrestate = tracer === 'prestateTracer'
  if (!isPrestate && !(tracer === 'callTracer' && settings.onlyTopCall === true))
    return no(codes.params, 'Invalid parameters: prestateTracer is offered, and callTracer with onlyTopCall')
  const done = runAsSent(stage, wish, fork)
  if (!done.ok) return { error: done.error }
  if (!isPrestate) return told(topCall(done.run, wish, wish.gas ?? callGasMax))
  if (settings.diffMode === true) return told(difference(done.run, stage.state))
  return told(prestate(done.run, stage.state, wish))
}
