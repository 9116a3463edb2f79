import * as channel from './channel.ts'
import * as codec from './codec.ts'
import * as edge from './edge.ts'
import * as executor from './executor.ts'
import * as packageGroup from './package.ts'
import * as plan from './plan.ts'
import * as soak from './soak.ts'
import * as verify from './verify.ts'
import * as vm from './vm.ts'
import * as workloads from './workloads.ts'

/** One figure, with the peer measured in the same run where there is one. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly peer: string | null
  readonly peerValue: number | null
  readonly ratio: number | null
  /** What should hold and does not: the program ends with code 1 then. Left out where nothing is promised. */
  readonly fault?: string | null
}

const groups: Readonly<Record<string, () => AsyncIterable<Figure>>> = {
  channel: channel.run,
  plan: plan.run,
  codec: codec.run,
  edge: edge.run,
  executor: executor.run,
  soak: soak.run,
  verify: verify.run,
  package: packageGroup.run,
  vm: vm.run,
  workloads: workloads.run,
}

/** Takes ten minutes: only when it is asked for. */
const longGroups = new Set(['soak'])

const words = process.argv.slice(2)
const json = words.includes('--json')
const wanted = words.filter((word) => !word.startsWith('--'))
const unknown = wanted.filter((name) => !(name in groups))
if (unknown.length > 0) {
  console.error(`No such group: ${unknown.join(', ')}. There are: ${Object.keys(groups).join(', ')}.`)
  process.exit(2)
}

for (const [name, run] of Object.entries(groups)) {
  if (wanted.length > 0 ? !wanted.includes(name) : longGroups.has(name)) continue
  if (!json) console.log(`\n${name}`)
  const stopTelling = tellOfWork(name)
  for await (const figure of run()) {
    console.log(json ? JSON.stringify({ ...figure, name: `${name}/${figure.name}` }) : line(figure))
    if (!figure.fault) continue
    console.error(`${name}: ${figure.fault}.`)
    process.exitCode = 1
  }
  stopTelling()
}

/** Says on a terminal that something is under way; nothing in a file. */
function tellOfWork(name: string): () => void {
  if (!process.stderr.isTTY) return () => undefined
  const start = Date.now()
  const timer = setInterval(() => {
    process.stderr.write(`  ${name}, under way for ${Math.round((Date.now() - start) / 1_000)} s\r`)
  }, 1_000)
  return () => clearInterval(timer)
}

function line({ name, value, unit, peer, peerValue, ratio }: Figure): string {
  const rounded = (figure: number) => figure.toLocaleString('en-US', { maximumFractionDigits: figure < 100 ? 2 : 0 })
  const beside =
    peer === null
      ? ''
      : `   ${peer}: ${rounded(peerValue ?? Number.NaN)} ${unit}, ratio ${rounded(ratio ?? Number.NaN)}`
  return `  ${name.padEnd(52)} ${rounded(value).padStart(12)} ${unit}${beside}`
}
