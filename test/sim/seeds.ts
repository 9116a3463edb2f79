/**
 * Seeds of the channel's worlds that once broke a rule. They are run before all others: what they found comes back most
 * easily. A seed means another world once the draws change, so a defect that matters gets a mutant or a test of its own
 * besides.
 */
export const pastFailures: readonly number[] = [
  3, // OW15: the till spoke of an update that was not stored.
  102,
  53081, // The simulator's own: a shopper came before the disk had taken the channel.
  5004, // The simulator's own: it mined past the height at which the till closes.
]

/** The same of the edge's worlds. */
export const pastEdgeFailures: readonly number[] = [
  700450, // An answer to a look-up from before freed a transaction in the middle of a new lease.
  700591, // A loser stayed one where its winner was in the pool again, and then forgotten.
  1948173595, // A loser lost its lease as well, and was sent again beside what was still on its way.
]
