/** One path and method of the edge, as its description names it. The test compares these with the routes. */
interface Operation {
  readonly method: 'get' | 'post' | 'put' | 'delete'
  readonly path: string
  readonly summary: string
  readonly good: 101 | 200 | 202
}

const op = (method: Operation['method'], path: string, good: Operation['good'], summary: string): Operation => ({
  ...{ method, path, good, summary },
})

const chain = '/v1/chains/{chain}'
const light = `${chain}/verified/eth/v1/beacon`
const side = '/v1/channels/{channel}/{side}'

export const operations: readonly Operation[] = [
  op('post', `${chain}/batches`, 202, 'Submits a batch'),
  op('get', `${chain}/batches/{batch}`, 200, 'Where the transactions of a batch stand'),
  op('get', `${chain}/batches/{batch}/events`, 200, 'The events of a batch as a stream'),
  op('get', `${chain}/batches/{batch}/socket`, 101, 'The events of a batch over a WebSocket'),
  op('get', `${chain}/senders/{sender}/txs/{hash}`, 200, 'Where a transaction stands'),
  op('delete', `${chain}/senders/{sender}/txs/{hash}`, 200, 'Stops a transaction that was never sent'),
  op('delete', `${chain}/senders/{sender}`, 200, 'Forgets a sender, but for what is under way'),
  op('get', `${chain}/senders/{sender}/nonce`, 200, 'The next free nonce of a sender, and the missing ones'),
  op('get', `${chain}/windows`, 200, 'What was planned together'),
  op('get', `${chain}/windows/{window}`, 200, 'The plan of a window'),
  op('put', `${chain}/webhook`, 200, 'Registers where to be told of the end of batches'),
  op('get', `${chain}/webhook`, 200, 'How the webhook fares'),
  op('delete', `${chain}/webhook`, 200, 'Forgets the webhook'),
  op('post', `${chain}/webhook/secret`, 200, 'Makes a new secret; the old one signs beside it for a day'),
  op('get', `${chain}/verified/bundle`, 200, 'Updates of a light client and proofs of accounts, together'),
  op('get', `${light}/genesis`, 200, 'Which chain the beacon nodes follow'),
  op('get', `${light}/headers/finalized`, 200, 'The block that the beacon node calls final'),
  op('get', `${light}/light_client/bootstrap/{root}`, 200, 'Where a light client begins'),
  op('get', `${light}/light_client/updates`, 200, 'Updates of sync committees'),
  op('get', `${light}/light_client/finality_update`, 200, 'The newest final block, signed'),
  op('get', `${light}/light_client/optimistic_update`, 200, 'The newest block, signed'),
  op('post', '/rpc/{chain}', 200, 'JSON-RPC of an Ethereum node'),
  op('put', `${side}/outbox/{sequence}`, 202, 'Writes a message to the other side of a channel'),
  op('get', `${side}/outbox`, 200, 'What the box has of a side'),
  op('get', `${side}/inbox`, 200, 'Messages of the other side'),
  op('delete', `${side}/inbox`, 200, 'Acknowledges messages'),
  op('get', `${side}/socket`, 101, 'The box over a WebSocket'),
  op('put', '/v1/channels/{channel}/{side}/backup/{number}', 202, 'Keeps the newest sealed state of a side'),
  op('get', '/v1/channels/{channel}/{side}/backup', 200, 'The sealed state that was kept'),
  op('put', '/v1/channels/{channel}/payee/deposit', 202, 'Leaves the best closing'),
  op('get', '/v1/channels/{channel}/payee/deposit', 200, 'The closing that was left'),
  op('get', '/v1/towers', 200, 'Whether towers are kept here, and the key that signs their receipts'),
  op('put', '/v1/towers/{tower}', 202, 'Has a channel watched'),
  op('get', '/v1/towers/{tower}', 200, 'What a tower keeps and has seen, signed'),
  op('put', '/v1/towers/{tower}/states/{number}', 202, 'Leaves justice for a revoked state'),
  op('get', '/healthz', 200, 'Whether the worker runs'),
  op('get', '/readyz', 200, 'Whether every chain is served in time'),
  op('get', '/metrics', 200, 'Figures for Prometheus'),
  op('get', '/openapi.json', 200, 'This description'),
  op('post', '/admin/chains/{chain}/pause', 200, 'Sends nothing to an executor from now on'),
  op('post', '/admin/chains/{chain}/resume', 200, 'Sends again'),
  op('get', '/admin/chains/{chain}/rows', 200, 'Transactions that have not ended'),
  op('get', '/admin/chains/{chain}/audit', 200, 'Decisions of the policy'),
  op('get', '/admin/chains/{chain}/webhooks/{key}/dead', 200, 'Messages that a merchant did not take'),
  op('post', '/admin/chains/{chain}/webhooks/{key}/dead/{id}', 200, 'Tries one of them again'),
  op('delete', '/admin/chains/{chain}/audit', 200, 'Forgets decisions of the policy from before a time'),
]

/** The description (OpenAPI 3.1) of all paths. What each of them takes and says is in docs/http.md. */
export function openApi() {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const { method, path, good, summary } of operations) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    const parameters = names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))
    const responses = { [good]: { description: summary }, default: { $ref: '#/components/responses/Problem' } }
    paths[path] = { ...paths[path], [method]: { summary, ...(names.length > 0 ? { parameters } : {}), responses } }
  }
  const properties = {
    ...{ type: { type: 'string' }, title: { type: 'string' }, status: { type: 'integer' }, code: { type: 'string' } },
    ...{ detail: { type: 'string' }, retryable: { type: 'boolean' } },
  }
  const schema = { type: 'object', required: Object.keys(properties), properties }
  const problem = { description: 'A refusal (RFC 9457)', content: { 'application/problem+json': { schema } } }
  return {
    openapi: '3.1.0',
    info: { title: 'Lanekit edge', version: '1' },
    paths,
    components: { responses: { Problem: problem } },
  }
}
