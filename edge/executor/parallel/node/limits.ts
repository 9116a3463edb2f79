/** Every bound of the embedded node, by name. Times are in milliseconds, sizes in bytes. */

/** Longest body of a request: a full envelope, in hexadecimal. */
export const bodyBytesMax = 4 * 1024 * 1024
/** Most calls in one JSON-RPC array, and most requests that are under way. */
export const callsMax = 256
export const requestsMax = 256

/** Transactions that wait for a block: all, those of one sender, and the bytes of all. */
export const pooledMax = 20_000
export const pooledPerSenderMax = 1_024
export const pooledBytesMax = 128 * 1024 * 1024
/** Widest distance between a sender's next nonce and one that waits. */
export const nonceGapMax = 1_024
/** A replacement pays at least this much of both fees of what it replaces. */
export const replacementPercentMin = 110n
/** What one block takes from the pool: transactions, and the sum of their gas limits. */
export const blockTransactionsMax = 1_000
export const blockGasMax = 300_000_000n
/** Newest arrivals of the pool that a filter can still tell. */
export const arrivalsKept = 10_000

/** Newest blocks, and newest transactions, that are told; the state of blocks is kept for fewer. */
export const archivedBlocksMax = 50_000
export const archivedTransactionsMax = 200_000
export const blocksKept = 256

/** Most blocks one question about logs looks at, most logs it is answered with, most alternatives it names. */
export const logsBlocksMax = 10_000
export const logsMax = 10_000
export const logsAlternativesMax = 1_000
/** Filters that are installed, and how long one lives that nobody asks. */
export const filtersMax = 256
export const filterIdleMs = 5 * 60_000

/** Most gas of a call that nobody pays for. */
export const callGasMax = 100_000_000n
/** Most slots of one proof, most entries and slots of one access list, most authorizations of one call. */
export const proofSlotsMax = 1_024
export const listPlacesMax = 8_192
export const authorizationsMax = 256
export const feeBlocksMax = 1_024
export const percentilesMax = 100
/** Runs until the list of what a call touches no longer changes. */
export const listRunsMax = 8

/** How long `eth_sendRawTransactionSync` waits, unless asked for less or more (EIP-7966). */
export const syncMsDefault = 2_000
export const syncMsMax = 60_000
/** Most of those that wait. */
export const waitingMax = 4_096

/** Signatures that are recovered before other requests get a turn. */
export const recoveredPerTurnMax = 16

/** Beyond it a segment of the log is closed, and a snapshot taken. */
export const segmentBytesMax = 64 * 1024 * 1024
/** Largest frame of the log: a block with all it changed. */
export const frameBytesMax = 512 * 1024 * 1024
/** Closed segments that are kept, for what they tell of older blocks. */
export const segmentsKept = 8
/** How much of a snapshot is written at a time. */
export const chunkBytes = 1024 * 1024
