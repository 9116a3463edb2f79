import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readBlock } from '../conformance/executedBlocks.ts'
import { type Tally, type TemplateFit, templateFit } from '../conformance/templateFit.ts'
import { vectorPath } from '../vectors.ts'
import type { Figure } from './run.ts'

const block = 'mainnet-25323281'

/**
 * How well templates foretell the calls of a real block, each learnt from after it was foretold. Nothing without the vectors
 * (LANEKIT_VECTORS).
 */
export function* templates(): Iterable<Figure> {
  const folder = vectorPath(`blocks/${block}`)
  if (!existsSync(folder)) return
  const runnable = readBlock(join(folder, 'block.json.gz'))
  if (runnable === undefined || typeof runnable === 'string') return
  const fit = templateFit(runnable)
  for (const [name, value] of Object.entries(figuresOf(fit)))
    yield { name: `templates on ${block}: ${name}`, value, unit: '', peer: null, peerValue: null, ratio: null }
}

function figuresOf({ calls, forecasts, slots, places, opsRight, complete, exact }: TemplateFit) {
  const precision = ({ both, foretold }: Tally) => both / foretold
  const recall = ({ both, touched }: Tally) => both / touched
  return {
    'calls with data': calls,
    'share of them foretold': forecasts / calls,
    'slots, precision': precision(slots),
    'slots, recall': recall(slots),
    'places, precision': precision(places),
    'places, recall': recall(places),
    'read, written or credited rightly': opsRight / places.both,
    'forecasts that name everything': complete / forecasts,
    'forecasts that are exact': exact / forecasts,
  }
}
