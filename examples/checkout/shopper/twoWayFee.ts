/** Least fee of a closing together, which is the shopper's. */
export const closeFeeMin = 500n
