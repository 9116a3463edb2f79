import { parseArgs } from 'node:util'

/** What `npm start` was asked for. */
export interface Options {
  /** End after the walk instead of serving on. */
  readonly exit: boolean
  /** Print one line of JSON last. */
  readonly json: boolean
  /** Play the checkout's cheat after the walk. */
  readonly cheat: boolean
  /** Which Ethereum node: the embedded executor, anvil, or a development node that runs already. */
  readonly evm: { readonly kind: 'embedded' | 'anvil' } | { readonly kind: 'json-rpc'; readonly url: string }
  /** Port of the checkout, the edge with it; 0 lets the system choose. */
  readonly port: number
}

const usage = `npm start -- [--exit] [--json] [--cheat] [--anvil | --rpc URL] [--port N]

  --exit      end after the walk
  --json      print one line of JSON last
  --cheat     play a shopper who broadcasts an old state, after the walk
  --anvil     use anvil instead of the embedded executor
  --rpc URL   use this development node instead of starting one
  --port N    serve checkout and edge on this port (default 8787)`

/** Reads the command line. A string is what to print instead of starting. */
export function readOptions(words: readonly string[]): Options | string {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        exit: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        cheat: { type: 'boolean', default: false },
        anvil: { type: 'boolean', default: false },
        rpc: { type: 'string' },
        port: { type: 'string', default: '8787' },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return usage
    const port = Number(values.port)
    if (!Number.isInteger(port) || port < 0 || port > 65_535)
      return `--port takes a number from 0 to 65535.\n\n${usage}`
    if (values.rpc !== undefined && !URL.canParse(values.rpc)) return `--rpc takes a URL.\n\n${usage}`
    if (values.rpc !== undefined && values.anvil) return `Either --anvil or --rpc.\n\n${usage}`
    const { rpc, exit, json, cheat } = values
    const evm =
      rpc === undefined
        ? ({ kind: values.anvil ? 'anvil' : 'embedded' } as const)
        : ({ kind: 'json-rpc', url: rpc } as const)
    return { exit, json, cheat, evm, port }
  } catch (error) {
    return `${error instanceof Error ? error.message : 'The options are not readable.'}\n\n${usage}`
  }
}
