/** Every bound of the edge, by name. Times are in milliseconds, sizes in bytes. */

/** Most places all declarations of one batch name together: an envelope says a place again in two bytes. */
export const placesPerBatchMax = 32_768
/** Most authorizations (EIP-7702) of one transaction: each costs a signature recovery. */
export const authorizationsMax = 16

/** Most transactions of a batch that are judged before other requests get a turn. */
export const judgedPerTurnMax = 16

/** Shards of each chain. Part of every shard's name: another number is another set of objects. */
export const shardsPerChain = 16
/** Most transactions of one sender that have not ended. */
export const rowsPerSenderMax = 512
/** Most transactions of one shard that have not ended; beyond, `backpressure`. */
export const rowsPerShardMax = 50_000
/** Widest distance between a sender's first missing nonce and a nonce taken in. */
export const nonceGapMax = 64
/** A replacement pays at least this much of both fees of what it replaces. */
export const replacementPercentMin = 110n
/** How long a transaction waits for a missing nonce before the edge stops trying. */
export const heldMsMax = 10 * 60_000
/** Pause between two looks at a sender's nonce while transactions wait for it. */
export const nonceCheckMsMin = 1_000
export const nonceCheckMsMax = 30_000
/** How long a rejection is the answer to the same bytes; afterwards they may be tried anew. */
export const rejectionMs = 10_000

/**
 * Rows of one table that an object keeps in memory beside the disk, half a kilobyte each. The platform may put all shards of
 * a chain into one isolate, which has 128 MB. A chain object goes through all of its queue for a window.
 */
export const rowsCachedMax = 4_096
export const chainRowsCachedMax = 16_384
/** Newest transactions and senders of a shard that memory and its journal alone know, and the bytes of the journal. */
export const youngMax = 2_048
export const journalBytesMax = 1024 * 1024
/** Most transactions of a pack, a row of the tables, and their bytes; packs whose rows, and whose bytes, are kept in memory. */
export const packRowsMax = 32
export const packBytesMax = 256 * 1024
export const packsCachedMax = 16
export const packBytesCachedMax = 8
/** So many transactions that come together are packs of their own, at the least and in each: they change together, too. */
export const packKeptMin = 16
export const packKeptMax = 128
/** Where what is bound to a statement is divided: the platform takes 2 MB in one value. */
export const boundBytesMax = 1024 * 1024

/** How long a shard gathers submissions, and a chain object offers, so that one write to the disk makes all of them durable. */
export const submitGatherMs = 1
export const offerGatherMs = 5
/** Most offers and most settlements in one message between a shard and its chain; most offers to a chain object that is full. */
export const handoverMax = 256
export const handoverMin = 16
/** How long a shard leaves a chain object alone that did not take everything, and how long it waits for an answer. */
export const handoverRestMs = 250
export const handoverPatienceMs = 10_000
/** Most messages to shards that a chain object has under way. */
export const deliveriesMax = 64
/** A handover that was not acknowledged by then is sent again. */
export const handoverRetryMs = 2_000

/** A window closes at the first of these. */
export const windowMsMax = 25
export const windowTransactionsMax = 256
export const windowBytesMax = 1024 * 1024
export const windowGasMax = 30_000_000
/** Most transactions of unknown access that one sender has in one window, and all senders together. */
export const unknownPerSenderMax = 4
export const unknownPerWindowMax = 64
/** Most transactions of one chain that wait for a window: some seconds of windows. Shards keep the rest. */
export const queuedMax = 8_192

/** Most ordered streams to one executor: a Worker has six connections. */
export const lanesInFlightMax = 4
/** How long one call to an executor may take. */
export const executorTimeoutMs = 2_000
/** How long an executor may take for a whole window, within the lease. */
export const envelopeMsMax = 30_000
/** Longest answer of an executor that is read. */
export const executorAnswerBytesMax = 16 * 1024 * 1024
/** How long an executor may take for a block before `eth_sendRawTransactionSync` ends, and how long it is not used then. */
export const syncSendMs = 400
export const syncRestMs = 60_000
/** Most calls in one JSON-RPC array. */
export const callsPerRequestMax = 100
/** First and longest pause after an executor could not be reached. */
export const pauseMsMin = 250
export const pauseMsMax = 10_000
/** An executor that refuses in words the edge does not know is asked this often before that counts as a no. */
export const refusalsMax = 12
/** When an accepted transaction that is in no block is looked up by hash. */
export const acceptedCheckMs = 15_000
/** When a transaction whose fate is open is looked up by hash again. */
export const openCheckMs = 2_000
/** Most transactions looked up by hash in one go. */
export const lookUpsMax = 64
/** Most blocks read in one go; further behind, inclusion is found by hash. */
export const blocksPerPollMax = 32
/** Blocks whose hashes are kept to notice a reorganisation: the deepest one that can be followed. */
export const blocksKept = 256

/** How long ended transactions, events, batches and windows are kept. */
export const retentionMs = 24 * 60 * 60_000
/** Most events kept, whatever their age. */
export const eventsMax = 1_000_000
/** Rows of one kind deleted in one go, and how long old rows may gather before that. */
export const pruneMax = 2_000
export const pruneEveryMs = 10 * 60_000

/** Events and windows in one answer. */
export const eventsPerReadMax = 512
export const windowsPerReadMax = 256
/** Windows whose plans are kept whole, and most waits that are told of one transaction. */
export const plansKept = 64
export const waitsToldMax = 4
/** How long a reader of events waits before it is told that there are none. */
export const eventsWaitMs = 10_000
/** Most readers that wait at one chain object. */
export const readersMax = 1_000
/** Rounds of one event stream; the reader resumes with a new request. */
export const eventRoundsMax = 400

/** Longest message of a channel, and longest closing that is deposited. */
export const messageBytesMax = 2_048
export const depositBytesMax = 4_096
/** Longest backup that a side keeps in its channel's box. */
export const backupBytesMax = 16 * 1024
/** Most messages, and most bytes of them, that wait for one side of a channel; beyond, `backpressure`. */
export const inboxMessagesMax = 256
export const inboxBytesMax = 256 * 1024
/** Acknowledged messages of each side that are kept, so that a resend of them is still known. */
export const messagesKept = 64
/** Most messages in one answer. */
export const messagesPerReadMax = 64
/** How long a reader of an inbox waits before it is told that it is empty. */
export const inboxWaitMs = 10_000
/** Most readers that wait at one box. */
export const boxReadersMax = 16
/** How long a box is kept after anybody came by; and one that nobody wrote to. */
export const boxRetentionMs = 90 * 24 * 60 * 60_000
export const boxUnusedMs = 24 * 60 * 60_000
/** How exactly it is known when somebody came by. */
export const boxTouchMs = 60 * 60_000

/** Most sources of the Bitcoin chain: a Worker has six connections. */
export const bitcoinSourcesMax = 4
/** How long one call to a source may take, and the longest answer that is read. */
export const bitcoinTimeoutMs = 5_000
export const bitcoinAnswerBytesMax = 16 * 1024
/** Far from its height, a deposit is looked at this many times less often: a block takes ten minutes. */
export const depositPauseFactorMax = 20
/** Blocks, its own with them, under which a spend counts as buried. */
export const burialBlocks = 6

/** Fewest sources a tower works with: one alone could hide a cheater from it. */
export const towerSourcesMin = 2
/** Longest state a tower takes; most states of one channel, and most bytes of them. */
export const towerStateBytesMax = 48 * 1024
export const towerStatesMax = 1_000_000
export const towerBytesMax = 512 * 1024 * 1024
/** Most bytes of a tower that was registered without a key. */
export const towerOpenBytesMax = 64 * 1024 * 1024
/** Towers that one key registers, or all who show none together: so many at once, and so many a day over time. */
export const towerGrantsBurst = 1_000
export const towerGrantsPerDay = 100
/** And one address that shows no key. */
export const towerAddressBurst = 16
export const towerAddressPerSecond = 1 / 3_600
/** Most outputs of one cheater's transaction that are taken. */
export const towerOpenedMax = 17
/** While nothing has happened, a channel is looked at this many times less often than while justice is done. */
export const towerPauseFactor = 4
/** Blocks after which justice that is not mined is broadcast at its next feerate. */
export const towerRungBlocks = 3
/** How long a tower is kept after its end, and after its owner was last heard of; how exactly that is known. */
export const towerRetentionMs = 30 * 24 * 60 * 60_000
export const towerAbsentMs = 400 * 24 * 60 * 60_000
/** How long one is kept that has no state, and so nothing to do. */
export const towerUnusedMs = 7 * 24 * 60 * 60_000
export const towerTouchMs = 60 * 60_000

/** Most calls in one JSON-RPC array at `/rpc`, longest body, and longest answer of an executor that is passed on. */
export const rpcCallsMax = 100
export const rpcBodyBytesMax = 1024 * 1024
export const rpcAnswerBytesMax = 8 * 1024 * 1024
/** How long a read of a wallet may take at an executor. */
export const rpcReadMs = 10_000
/** Most blocks one `eth_getLogs` may span, where both ends are numbers. */
export const logsBlocksMax = 10_000
/** How long `eth_sendRawTransaction` waits for the executor's yes or no; the rows are durable before. */
export const rpcVerdictMs = 300
/** How long `eth_sendRawTransactionSync` waits unless it is told, and the longest (EIP-7966 recommends 2 s). */
export const syncMsDefault = 2_000
export const syncMsMax = 30_000
/** Pause between two questions for a receipt that the executor is about to have. */
export const receiptPauseMs = 50
/** Most missing nonces that are named. */
export const gapsToldMax = 64

/** Failures in a row after which an executor is left alone, and for how long at first and at most. */
export const breakerFailures = 3
export const breakerMsMin = 1_000
export const breakerMsMax = 60_000

/** Longest wait of a submission for its receipts. */
export const waitMsMax = 30_000
/** Longest `Idempotency-Key`, most answers kept under keys, and how long a request under a key may take. */
export const keyCharsMax = 128
export const repliesMax = 10_000
export const replyLeaseMs = 60_000

/** Most sockets of one box, and of one chain object. */
export const boxSocketsMax = 8
export const statusSocketsMax = 1_000

/** Longest a sender's token lasts, in seconds, from when it is shown. */
export const tokenSecondsMax = 11 * 60
/** Transactions of one sender that a shard takes at once, and a second over time; beyond, `rate-limited`. */
export const senderBurst = 512
export const senderPerSecond = 64
/** Most senders whose allowance is remembered; the rest have a whole one. */
export const sendersRemembered = 10_000
/** Transactions from one network address that may be none, at once and a second; and addresses that are remembered. */
export const badSignaturesBurst = 64
export const badSignaturesPerSecond = 1
export const addressesRemembered = 10_000
/** How late what is due may be while the edge still counts as ready. */
export const alarmLagMsMax = 5_000
/** Rows in one answer to an operator, and most audit rows that are kept. */
export const rowsPerReadMax = 1_000
export const auditMax = 100_000

/** Longest URL of a webhook, and how long a call to one may take. Its answer is not read. */
export const webhookUrlCharsMax = 512
export const webhookTimeoutMs = 10_000
/** Pauses after each try of a call; after as many and one tries it is a dead letter. */
export const webhookPausesMs = [5, 60, 5 * 60, 30 * 60, 2 * 3_600, 5 * 3_600, 10 * 3_600].map((s) => s * 1_000)
/** Calls and questions that one object has under way at once: a Worker has six connections. */
export const webhookCallsMax = 3
export const webhookAsksMax = 16
/** Batches whose end is waited for, calls that are not done, and dead letters; of each merchant and chain. */
export const webhookWatchesMax = 10_000
export const webhookCallsKept = 10_000
export const webhookDeadMax = 1_000
/** Pauses between two looks at a batch, and how long its end is waited for. */
export const webhookLookMsMin = 1_000
export const webhookLookMsMax = 60_000
export const webhookWatchMsMax = 24 * 60 * 60_000
/** How long a dead letter is kept, and how long a secret that was replaced signs beside the new one. */
export const webhookDeadMs = 7 * 24 * 60 * 60_000
export const webhookOldSecretMs = 24 * 60 * 60_000

/** Most accounts in one bundle of proofs, slots of each, and updates of committees in one answer. */
export const bundleAccountsMax = 8
export const bundleSlotsMax = 16
export const bundleUpdatesMax = 128
/** How long one question to a beacon node may take, and the largest answer: 128 updates take 7 MB. */
export const beaconTimeoutMs = 10_000
export const beaconAnswerBytesMax = 16 * 1024 * 1024
/** How long an instance hands out again: heads (a slot has 12 s), proofs of one block, and what does not change. */
export const headKeptMs = 4_000
export const proofsKeptMs = 10 * 60_000
export const historyKeptMs = 24 * 60 * 60_000
/** Most answers that an instance keeps for that, and their size together. */
export const bundleCachedMax = 512
export const bundleCachedBytesMax = 16 * 1024 * 1024
